"""PythonQt's conventions, one test each: what a panel must be written for, the host enforces."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def qt(host: Any) -> Any:
    import qt

    return qt


def test_a_property_is_an_attribute_and_shadows_its_getter(qt: Any) -> None:
    button = qt.QPushButton("Apply")
    assert button.text == "Apply"
    with pytest.raises(TypeError):
        button.text()
    button.checkable = True
    assert button.isCheckable()


def test_setters_and_other_getters_stay_methods(qt: Any) -> None:
    widget = qt.QWidget()
    layout = qt.QVBoxLayout()
    widget.setLayout(layout)
    label = qt.QLabel("text", widget)
    label.setText("new")
    edit = qt.QPlainTextEdit("words", widget)
    assert (label.text, edit.toPlainText()) == ("new", "words")
    assert widget.layout() is layout
    assert label.parent() is widget
    assert label in widget.children()


def test_name_is_the_object_name(qt: Any) -> None:
    widget = qt.QWidget()
    widget.name = "panel"
    assert (widget.objectName, widget.name) == ("panel", "panel")


@pytest.mark.parametrize("name", ["nosuch", "setNoSuch", "accessibleIdentifier", "_private"])
def test_an_unknown_attribute_cannot_be_read_or_written(qt: Any, name: str) -> None:
    widget = qt.QWidget()
    with pytest.raises(AttributeError):
        getattr(widget, name)
    with pytest.raises(AttributeError):
        setattr(widget, name, 1)


def test_a_method_cannot_be_overwritten(qt: Any) -> None:
    with pytest.raises(AttributeError, match="not a property"):
        qt.QLabel().setText = "text"


def test_a_read_only_property_cannot_be_written(qt: Any) -> None:
    with pytest.raises(AttributeError, match="read-only"):
        qt.QWidget().sizeHint = qt.QSize(1, 1)


def test_members_that_slicer_does_not_list_are_hidden(qt: Any) -> None:
    assert not hasattr(qt, "QThread")
    assert not hasattr(qt.QComboBox(), "labelDrawingMode")


def test_signals_connect_by_signature_and_by_attribute(qt: Any) -> None:
    button, calls = qt.QPushButton(), []
    assert button.connect("clicked(bool)", lambda checked: calls.append(("signature", checked)))
    assert button.connect("clicked()", lambda: calls.append("none"))
    button.clicked.connect(lambda checked: calls.append(("attribute", checked)))
    button.click()
    assert sorted(map(str, calls)) == sorted(map(str, [("signature", False), "none", ("attribute", False)]))


def test_an_unknown_signal_is_refused_with_false(qt: Any) -> None:
    assert qt.QPushButton().connect("nosuch()", lambda: None) is False
    assert qt.QPushButton().connect("clicked(int)", lambda: None) is False


def test_a_signal_is_emitted_by_calling_it(qt: Any) -> None:
    edit, texts = qt.QLineEdit(), []
    edit.connect("textChanged(QString)", texts.append)
    edit.textChanged("typed")
    assert texts == ["typed"]


def test_surplus_arguments_are_cut_and_defaulted_ones_count(qt: Any) -> None:
    button, calls = qt.QPushButton(), []
    button.clicked.connect(lambda: calls.append("nothing"))
    button.connect("clicked(bool)", lambda x=7: calls.append(x))
    button.connect("clicked(bool)", lambda *args: calls.append(args))
    button.connect("clicked(bool)", partial(lambda *args: calls.append(args), "bound"))
    button.click()
    assert calls == ["nothing", False, (False,), ("bound", False)]


def test_a_disconnected_slot_is_not_called(qt: Any) -> None:
    button, calls = qt.QPushButton(), []
    button.connect("clicked()", calls.clear)
    assert button.disconnect("clicked()", calls.clear)
    assert not button.disconnect("clicked()", calls.clear)
    calls.append("kept")
    button.click()
    assert calls == ["kept"]


def test_an_exception_in_a_slot_is_printed_not_raised(host: Any, qt: Any, capsys: pytest.CaptureFixture) -> None:
    button = qt.QPushButton()
    button.connect("clicked()", lambda: 1 / 0)
    assert button.click() is None
    assert "ZeroDivisionError" in capsys.readouterr().err
    (error,) = host.take_errors()
    assert isinstance(error, ZeroDivisionError)


def test_keyword_arguments_are_refused(qt: Any) -> None:
    with pytest.raises(ValueError, match="keyword"):
        qt.QLabel(text="text")
    with pytest.raises(ValueError, match="keyword"):
        qt.QLabel().setText(text="text")


def test_wrong_arguments_are_a_value_error(qt: Any) -> None:
    with pytest.raises(ValueError, match="wrong arguments"):
        qt.QLabel().setText([1])


def test_enums_are_plain_ints_flat_and_on_instances(qt: Any) -> None:
    assert type(qt.QProcess.Running) is int
    process = qt.QProcess()
    assert process.Running == qt.QProcess.Running
    assert process.state() == qt.QProcess.NotRunning
    assert type(process.state()) is int
    assert not hasattr(qt.Qt, "AlignmentFlag")


def test_enum_ints_combine_and_are_taken_by_methods(qt: Any) -> None:
    label = qt.QLabel()
    label.setAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    assert label.alignment == qt.Qt.AlignRight | qt.Qt.AlignVCenter
    label.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    assert label.sizePolicy.horizontalPolicy() == qt.QSizePolicy.Expanding
    label.alignment = qt.Qt.AlignLeft
    assert label.alignment == 1
    box = qt.QDialogButtonBox(qt.QDialogButtonBox.Ok | qt.QDialogButtonBox.Cancel)
    assert box.button(qt.QDialogButtonBox.Ok).text


def test_lists_come_back_as_tuples(qt: Any, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("text")
    assert qt.QDir(str(tmp_path)).entryList(qt.QDir.Files) == ("file.txt",)
    assert isinstance(qt.QWidget().children(), tuple)


def test_bytes_come_in_a_byte_array(qt: Any) -> None:
    process = qt.QProcess()
    process.start("echo", ["words"])
    assert process.waitForFinished(10000)
    output = process.readAllStandardOutput()
    assert type(output) is qt.QByteArray
    assert output.data() == b"words\n"


def test_path_objects_are_refused(qt: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pass str"):
        qt.QFile(tmp_path)
    with pytest.raises(ValueError, match="pass str"):
        qt.QLineEdit().setText(tmp_path)


def test_values_keep_their_getters(qt: Any) -> None:
    assert qt.QSize(3, 4).width() == 3
    assert qt.QWidget().size.height() > 0
    assert qt.QColor(255, 0, 0).name() == "#ff0000"


def test_values_are_converted_silently_on_writing(qt: Any) -> None:
    button, box = qt.QPushButton(), qt.QSpinBox()
    button.checkable = "abc"
    box.value = 40.5
    assert button.checkable is True
    assert box.value in (40, 41)


def test_the_text_of_a_progress_bar_is_empty_before_a_value(qt: Any) -> None:
    assert qt.QProgressBar().text == ""


def test_a_single_shot_timer_fires_with_the_events(host: Any, qt: Any) -> None:
    calls: list[str] = []
    qt.QTimer.singleShot(0, lambda: calls.append("fired"))
    assert calls == []
    host.process_events()
    assert calls == ["fired"]


def test_modal_dialogs_run_by_exec_with_an_underscore(qt: Any) -> None:
    dialog = qt.QDialog()
    qt.QTimer.singleShot(0, dialog.accept)
    assert dialog.exec_() == qt.QDialog.Accepted


def test_an_input_dialog_returns_the_text_alone(qt: Any) -> None:
    def answer() -> None:
        dialog = qt.QApplication.activeModalWidget()
        dialog.setTextValue("typed")
        dialog.accept()

    qt.QTimer.singleShot(0, answer)
    assert qt.QInputDialog.getText(None, "Title", "Label") == "typed"


def test_the_first_overload_of_a_signal_is_that_of_qt_5(host: Any, qt: Any) -> None:
    process, codes, both = qt.QProcess(), [], []
    process.finished.connect(lambda *args: codes.append(args))
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: both.append((code, status)))
    process.start("sh", ["-c", "exit 3"])
    host.wait_until(lambda: bool(both))
    assert codes == [(3,)]
    assert both == [(3, qt.QProcess.NormalExit)]
