"""Sample data of the extension: a generated scan that needs no network, and a case of the decathlon by address."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from DiNTSLib.dependencies import missing, sentence
from DiNTSLib.scene import importVolume
from DiNTSLib.temporary import TemporaryFolder

CATEGORY = "DiNTS"
PHANTOM_NAME = "DiNTS phantom"
PHANTOM_SEED, PHANTOM_INDEX = 1, 0
HIPPOCAMPUS_NAME = "Decathlon hippocampus 001"
HIPPOCAMPUS_FILE = "Task04_Hippocampus.tar"
HIPPOCAMPUS_URL = f"https://msd-for-monai.s3-us-west-2.amazonaws.com/{HIPPOCAMPUS_FILE}"
HIPPOCAMPUS_CHECKSUM = "MD5:9d24dba78a72977dbd1d2e110310f31b"  # published with the archive, which has no SHA256
HIPPOCAMPUS_MEMBER = "Task04_Hippocampus/imagesTr/hippocampus_001.nii.gz"


def register(registerSource: Callable[..., None], icons: str) -> None:
    """Offers the samples in Slicer's Sample Data module.

    Args:
        registerSource: `SampleData.SampleDataLogic.registerCustomSampleDataSource`.
        icons: folder with the thumbnails.
    """
    registerSource(
        category=CATEGORY,
        sampleName=PHANTOM_NAME,
        uris=[],  # nothing is downloaded; None would be refused
        fileNames=[],
        customDownloader=lambda source: loadPhantom(),
        thumbnailFileName=os.path.join(icons, "DiNTSPhantom.png"),
    )
    registerSource(
        category=CATEGORY,
        sampleName=HIPPOCAMPUS_NAME,
        uris=HIPPOCAMPUS_URL,
        fileNames=HIPPOCAMPUS_FILE,
        checksums=HIPPOCAMPUS_CHECKSUM,
        customDownloader=lambda source: loadHippocampus(),
        thumbnailFileName=os.path.join(icons, "DiNTSHippocampus.png"),
    )


def loadPhantom() -> slicer.vtkMRMLScalarVolumeNode:
    """The volume node of a generated scan: a body with liver, kidney and aorta.

    Raises:
        RuntimeError: the engine's settings cannot be read because a package is missing.
    """
    if "PyYAML" in missing():
        raise RuntimeError(sentence())
    from dints.data.images import write_image
    from dints.data.phantom import phantom

    with TemporaryFolder() as folder:
        path = Path(folder) / "phantom.nrrd"
        write_image(phantom(PHANTOM_SEED, PHANTOM_INDEX)[0], path)
        return importVolume(path, PHANTOM_NAME)


def loadHippocampus(archive: str | None = None) -> slicer.vtkMRMLScalarVolumeNode:
    """The volume node of a case of the Medical Segmentation Decathlon (CC-BY-SA 4.0).

    Args:
        archive: path of the downloaded file; None downloads it (27 MB) into Slicer's cache unless it is there.

    Raises:
        ValueError: the archive does not hold the case.
    """
    if archive is None:
        from SampleData import SampleDataLogic

        logic = SampleDataLogic()
        logic.reportHook = lambda *progress: slicer.app.processEvents()  # the window does not stand still
        archive = logic.downloadFileIntoCache(HIPPOCAMPUS_URL, HIPPOCAMPUS_FILE, HIPPOCAMPUS_CHECKSUM)
        if not archive or not os.path.exists(archive):
            raise ValueError(_("{url} could not be downloaded").format(url=HIPPOCAMPUS_URL))
    with TemporaryFolder() as folder, tarfile.open(archive) as tar:
        try:
            member = tar.extractfile(HIPPOCAMPUS_MEMBER)
            if member is None:
                raise KeyError(HIPPOCAMPUS_MEMBER)  # it is no file
        except KeyError as error:
            raise ValueError(_("{path} does not hold {name}").format(path=archive, name=HIPPOCAMPUS_MEMBER)) from error
        path = Path(folder) / "hippocampus.nii.gz"
        path.write_bytes(member.read())
        return importVolume(path, HIPPOCAMPUS_NAME)
