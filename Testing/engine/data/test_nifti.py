"""Headers of NIfTI: both versions and byte orders say the same, and ITK agrees where it can read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.nifti import RAS_TO_LPS, NiftiHeader, is_orthonormal, is_possible
from dints.data.placement import affine_of

from .nifti_bytes import ROWS, header, nifti, written

VOXELS = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def parsed(**changes: object) -> NiftiHeader:
    found = NiftiHeader.parse(header(VOXELS, **changes) + bytes(200))
    assert found is not None
    return found


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("pair", [False, True])
def test_both_versions_and_byte_orders_say_the_same(order: str, version: int, pair: bool) -> None:
    found = parsed(version=version, order=order, pair=pair, pixdim=(1, 0.5, 2, 3, 4, 0, 0, 0))
    assert (found.version, found.order, found.is_pair) == (version, order, pair)
    assert found.sizes == (6, 5, 4)
    assert found.voxel_bytes == VOXELS.nbytes
    assert found.offset == (0 if pair else {1: 352, 2: 544}[version])
    assert found.steps == (0.5, 2.0, 3.0)
    assert found.codes == {"qform": 1, "sform": 1}
    assert found.float_type is None


@pytest.mark.parametrize(
    "content", [b"", b"NRRD0004" * 100, bytes(540), header(VOXELS)[:300], header(VOXELS, magic=b"")]
)
def test_other_files_have_no_header_of_nifti(content: bytes) -> None:
    assert NiftiHeader.parse(content) is None


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("codes", [(1, 0), (0, 1), (2, 2)])
def test_the_forms_place_voxels_where_itk_places_them(seed: int, codes: tuple[int, int], tmp_path: Path) -> None:
    generator = np.random.default_rng(seed)
    quaternion = generator.normal(size=4)
    a, b, c, d = quaternion / np.linalg.norm(quaternion) * np.sign(quaternion[0])
    handed, units = generator.choice([-1, 1]), int(generator.choice([0, 1, 2, 3]))
    steps = generator.uniform(0.5, 3, 3)
    rotation = np.array(
        [
            [1 - 2 * (c * c + d * d), 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), 1 - 2 * (b * b + d * d), 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), 1 - 2 * (b * b + c * c)],
        ]
    )
    shift = generator.uniform(-50, 50, 3)
    rows = np.hstack([rotation * steps * [1, 1, handed], shift[:, None]])
    fields = {
        "codes": codes,
        "pixdim": (handed, *steps, 0, 0, 0, 0),
        "quaternion": (b, c, d, *shift),
        "rows": tuple(rows.ravel()),
        "units": units,
    }
    expected = affine_of(sitk.ReadImage(str(written(tmp_path / "a.nii", nifti(VOXELS, **fields)))))
    forms = parsed(**fields).forms
    assert set(forms) == {name for name, code in zip(("qform", "sform"), codes, strict=True) if code}
    for form in forms.values():
        np.testing.assert_allclose(form, expected, rtol=1e-5, atol=1e-5 * abs(expected).max())


def test_forms_that_cannot_be_do_not_count() -> None:
    assert set(parsed(rows=(0,) * 12).forms) == {"qform"}
    assert set(parsed(rows=(np.nan, *ROWS[1:])).forms) == {"qform"}
    assert set(parsed(rows=(1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0)).forms) == {"qform"}
    assert set(parsed(pixdim=(1, 0, 1, 1, 0, 0, 0, 0)).forms) == {"sform"}
    assert set(parsed(pixdim=(1, -1, 1, 1, 0, 0, 0, 0)).forms) == {"sform"}
    assert parsed(codes=(0, 0)).forms == {}
    assert parsed(codes=(-1, 0)).forms == {}


def test_a_quaternion_that_is_too_long_is_a_rotation_still() -> None:
    form = parsed(quaternion=(0.9, 0.9, 0.9, 1, 2, 3)).forms["qform"]
    assert is_orthonormal(form)
    assert np.linalg.det(form) == pytest.approx(1)


def test_maps_are_told_from_what_is_none() -> None:
    slanted = np.eye(4)
    slanted[0, 1] = 0.001
    assert is_possible(slanted)
    assert not is_orthonormal(slanted)
    assert is_orthonormal(RAS_TO_LPS)
    assert not is_possible(np.diag([1.0, 0.0, 1.0, 1.0]))


def test_a_header_of_version_1_is_made_of_one_of_version_2() -> None:
    second = parsed(version=2, order=">", scale=(2, -5), rows=(2, *ROWS[1:]), units=2 | 8)
    first = NiftiHeader.parse(second.version_1(with_forms=True) + bytes(200))
    assert first is not None
    assert (first.version, first.order, first.offset, first.is_pair) == (1, ">", 352, False)
    for name in ("dim", "datatype", "bitpix", "pixdim", "scale", "codes", "quaternion", "rows", "units"):
        assert first.fields[name] == second.fields[name], name
    without = NiftiHeader.parse(second.version_1(with_forms=False) + bytes(200))
    assert without is not None
    assert without.forms == {}
    assert without.steps == (1, 1, 1)


@pytest.mark.parametrize("changes", [{"dim": (3, 40_000, 5, 4, 1, 1, 1, 1)}, {"rows": (1e300, *ROWS[1:])}])
def test_what_version_1_cannot_hold_is_no_header_of_it(changes: dict) -> None:
    with pytest.raises(ValueError, match="numbers that are too large"):
        parsed(version=2, **changes).version_1(with_forms=True)


@pytest.mark.parametrize("dim", [(0, *(1,) * 7), (9, *(1,) * 7), (3, -6, 5, 4, 1, 1, 1, 1)])
def test_sizes_that_are_none_hold_no_voxels(dim: tuple[int, ...]) -> None:
    assert parsed(dim=dim).voxel_bytes == 0
