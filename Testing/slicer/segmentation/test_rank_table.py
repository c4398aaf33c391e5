"""Previews of ranked scans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import SimpleITK as sitk


def test_a_ranked_scan_has_a_preview_in_its_row_and_a_larger_one_at_the_pointer(panel: Any, tmp_path: Path) -> None:
    from Testing.host.convert import unwrap

    from dints.improvement.preview import write_preview

    image = sitk.Image(8, 8, 8, sitk.sitkFloat32)
    write_preview(image, sitk.Cast(image, sitk.sitkUInt8), tmp_path / "a.png")
    row = {"case": "a", "disagreement": 0.1, "predicted_dice": None, "error": None}
    rows = [row | {"proposal": str(tmp_path / name)} for name in ("a.nii.gz", "old.nii.gz")]
    panel.panel.learn.ranking.show(rows)
    items = [unwrap(panel.ui.rankTree.topLevelItem(number)) for number in range(2)]
    assert [item.icon(0).isNull() for item in items] == [False, True]
    assert f"{tmp_path.as_posix()}/a.png" in items[0].toolTip(0)
    assert items[1].toolTip(0) == "a"
