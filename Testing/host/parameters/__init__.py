"""`slicer.parameterNodeWrapper`: typed access to a parameter node, and its binding to widgets.

Follows Slicer 5.8.1, also where later versions allow more: unions are written `Optional[X]` (not `X | None`), floats
alone bind to ctkSliderWidget and QDoubleSpinBox, and `connectGui` returns None (only `connectParametersToGui` returns
a tag that `disconnectGui` takes). Parameter packs, ranges and `Any` are not offered.
"""

from __future__ import annotations

import types


def make_module() -> types.ModuleType:
    """The module `slicer.parameterNodeWrapper`; needs `qt`, `ctk` and `slicer` to be there."""
    from . import annotations, bindings, wrapper

    module = types.ModuleType("slicer.parameterNodeWrapper", __doc__)
    for source in (annotations, bindings, wrapper):
        vars(module).update({name: getattr(source, name) for name in source.__all__})
    return module
