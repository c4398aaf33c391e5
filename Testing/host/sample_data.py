"""The module `SampleData`: registering data sets, as an extension does when the application has started.

Nothing is downloaded here; a test calls a source's `customDownloader` itself, and puts what that downloads into the
application's cache before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer

__all__ = ["SampleDataLogic", "SampleDataSource"]


class SampleDataSource:
    """One data set: addresses, and for each the file's name, node's name, checksum and type."""

    def __init__(
        self,
        sampleName: str | None = None,
        sampleDescription: str | None = None,
        uris: str | list[str] | None = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        checksums: Any = None,
        loadFiles: Any = None,
        customDownloader: Callable[[SampleDataSource], Any] | None = None,
        thumbnailFileName: str | None = None,
        loadFileTypes: Any = None,
        loadFileProperties: dict | None = None,
    ) -> None:
        self.sampleName = sampleName
        self.sampleDescription = sampleDescription or sampleName
        self.thumbnailFileName = thumbnailFileName
        self.customDownloader = customDownloader
        self.loadFileProperties = loadFileProperties or {}
        if uris is None:
            raise TypeError("a data source needs `uris`, also with a custom downloader")
        is_single = isinstance(uris, str)
        self.uris = [uris] if is_single else list(uris)
        parts = {"nodeNames": nodeNames, "checksums": checksums, "loadFiles": loadFiles, "loadFileTypes": loadFileTypes}
        for name, value in {"fileNames": fileNames, **parts}.items():
            repeated = is_single or (name != "fileNames" and (value is None or isinstance(value, str)))
            setattr(self, name, [value] * len(self.uris) if repeated else list(value))
            if len(getattr(self, name)) != len(self.uris):
                raise ValueError(f"{len(self.uris)} addresses need as many {name}, not {len(value)}")


class SampleDataLogic:
    """The register, kept in `slicer.modules.sampleDataSources` by category."""

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **source: Any) -> None:
        """Add a data set; one of the same name in the category is not added again."""
        sources = SampleDataLogic.sampleDataSourcesByCategory().setdefault(category, [])
        made = SampleDataSource(**source)
        if made.sampleName not in [known.sampleName for known in sources]:
            sources.append(made)

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> Any:
        if not hasattr(slicer.modules, "sampleDataSources"):
            slicer.modules.sampleDataSources = {}
        registered = slicer.modules.sampleDataSources
        return registered if category is None else registered.get(category, [])

    def sourceForSampleName(self, sampleName: str) -> SampleDataSource | None:
        sources = [s for group in self.sampleDataSourcesByCategory().values() for s in group]
        return next((source for source in sources if source.sampleName == sampleName), None)

    def reportHook(self, blocksSoFar: int, blockSize: int, totalSize: int) -> None:
        """Is told how far a download is."""

    def downloadFileIntoCache(self, uri: str, name: str, checksum: str | None = None) -> str:
        """Path of a file in the cache; ValueError, as without a network, where it is not there."""
        path = Path(slicer.app.cachePath) / name
        self.reportHook(0, 0, 0)
        if not path.is_file():
            raise ValueError(f"Failed to download {uri} to {path}")
        return str(path)
