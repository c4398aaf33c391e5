"""Names of cases that look like HTML, or hold an ampersand, are shown as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

NAME = "<b>case</b> & <i>0</i>"


def test_names_of_cases_are_shown_as_they_are(faked: Any, host: Any, run_folder: Path) -> None:
    import qt

    scores = run_folder / "evaluation" / "scores.json"
    scores.write_text(scores.read_text().replace("case0", NAME))
    faked.parameters.runFolder = str(run_folder)
    faked.open(faked.retrain)
    host.process_events()
    table = faked.ui.scoresTable
    rows = [row for row in range(table.rowCount) if table.item(row, 0).text() == NAME]
    assert len(rows) == 1
    labels = {name: label for name, label in vars(faked.ui).items() if label.className() == "QLabel"}
    assert len(labels) > 20
    assert {name for name, label in labels.items() if label.textFormat != qt.Qt.PlainText} == set()


def test_tool_tips_of_a_table_show_names_as_they_are(faked: Any, host: Any) -> None:
    from DiNTSSearchLib.tables import fill

    fill(faked.ui.zooTable, ["Case"], [[NAME]], [f"{NAME}\n{NAME}"])
    assert host.as_read(faked.ui.zooTable.item(0, 0).toolTip()) == f"{NAME}\n{NAME}"
    assert faked.ui.zooTable.item(0, 0).text() == NAME
