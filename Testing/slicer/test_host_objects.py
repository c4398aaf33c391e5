"""Qt objects in the host: who they are, how long they live, who may use them."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest


@pytest.fixture
def qt(host: Any) -> Any:
    import qt

    return qt


def test_a_child_from_qt_is_the_same_object_and_keeps_the_conventions(qt: Any) -> None:
    box = qt.QMessageBox()
    box.standardButtons = qt.QMessageBox.Ok
    ok = box.button(qt.QMessageBox.Ok)
    assert box.button(qt.QMessageBox.Ok) is ok
    assert isinstance(ok.text, str)
    assert type(ok) is qt.QPushButton


def test_an_object_without_parent_goes_with_its_last_reference(host: Any, qt: Any) -> None:
    calls: list[int] = []
    timer = qt.QTimer()
    timer.connect("timeout()", lambda: calls.append(1))
    timer.start(0)
    del timer
    gc.collect()
    host.process_events()
    assert calls == []


def test_a_destroyed_object_cannot_be_used(qt: Any) -> None:
    widget = qt.QWidget()
    label = qt.QLabel("text", widget)
    widget.delete()
    with pytest.raises(ValueError, match="destroyed"):
        label.setText("new")


def test_dynamic_properties_are_attributes(qt: Any) -> None:
    widget = qt.QWidget()
    widget.setProperty("SlicerParameterName", "volume")
    assert widget.property("SlicerParameterName") == "volume"
    assert widget.SlicerParameterName == "volume"
    assert widget.property("nosuch") is None


def test_a_subclass_overrides_virtual_methods_and_has_attributes(host: Any, qt: Any) -> None:
    class Target(qt.QFrame):
        def __init__(self, parent: Any = None) -> None:
            super().__init__(parent)
            self.sizes: list[int] = []

        def resizeEvent(self, event: Any) -> None:
            super().resizeEvent(event)
            self.sizes.append(self.width)

    frame = Target()
    frame.show()
    frame.resize(123, 40)
    host.process_events()
    assert frame.sizes[-1] == 123


def test_an_event_filter_sees_events_as_proxies(host: Any, qt: Any) -> None:
    class Filter(qt.QObject):
        kinds: list[int] = []  # noqa: RUF012 (read by the test)

        def eventFilter(self, watched: Any, event: Any) -> bool:
            self.kinds.append(event.type())
            return False

    widget, watcher = qt.QWidget(), Filter()
    widget.installEventFilter(watcher)
    widget.show()
    host.process_events()
    assert qt.QEvent.Show in Filter.kinds


def test_children_are_found_by_class_and_name(qt: Any) -> None:
    widget = qt.QWidget()
    label, _edit = qt.QLabel(widget), qt.QLineEdit(widget)
    label.name = "found"
    assert widget.findChildren(qt.QLabel) == (label,)
    assert widget.findChild(qt.QLabel, "found") is label
    assert widget.findChild("QLabel") is label
    assert widget.findChild(qt.QPushButton) is None


def test_qt_is_not_used_outside_the_main_thread(host: Any, qt: Any) -> None:
    label, errors = qt.QLabel(), []

    def work() -> None:
        try:
            label.text = "from a thread"
        except host.HostError as error:
            errors.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == ["a QLabel was used outside the main thread"]


def test_models_and_tables_keep_what_is_put_into_them(qt: Any) -> None:
    table, model = qt.QTableWidget(1, 1), qt.QStandardItemModel()
    table.setItem(0, 0, qt.QTableWidgetItem("cell"))
    item = qt.QStandardItem("row")
    item.setData({"key": 1}, qt.Qt.UserRole)
    model.appendRow([item, qt.QStandardItem("second")])
    del item
    gc.collect()
    assert table.item(0, 0).text() == "cell"
    assert model.item(0, 0).data(qt.Qt.UserRole) == {"key": 1}
    assert model.index(0, 1).data() == "second"
