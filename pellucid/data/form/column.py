"""The form of one column: how its values are written, and which words mean a missing one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

from pellucid.data import checked
from pellucid.data.form.boolean import BooleanForm, boolean_form_from_json
from pellucid.data.form.date.form import DateForm, date_form_from_json
from pellucid.data.form.missing import words_of
from pellucid.data.form.number.form import NumberForm, number_form_from_json
from pellucid.data.form.text import TextForm, text_form_from_json
from pellucid.data.options import ReadOptions

Form = NumberForm | DateForm | BooleanForm | TextForm

KEYS = ("name", "form", "missing", "written", "evidence", "kind")

_FROM_JSON: dict[str, Callable[[object, str], Form]] = {
    "number": number_form_from_json,
    "date": date_form_from_json,
    "boolean": boolean_form_from_json,
    "text": text_form_from_json,
}


@dataclass(frozen=True)
class ColumnForm:
    """How one column is written.

    `missing`: the texts that mean a missing value, besides the empty one. They apply to text files,
    and to texts of typed sources, such as data frames, only if `written`: the training table was a text
    file, or the user set the words. `evidence`: one sentence on what decided, or "". `kind`:
    the kind that the user set, or "".
    """

    name: str
    form: Form
    missing: tuple[str, ...] = ()
    written: bool = False
    evidence: str = ""
    kind: str = ""

    def describe(self) -> str:
        """The form in plain words."""
        return self.form.describe()

    def words(self, written: bool) -> tuple[str, ...]:
        """The words for missing values in texts that come from a text file, or do not."""
        return self.missing if written or self.written else ()

    def with_options(self, options: ReadOptions) -> "ColumnForm":
        """The form with the decimal mark, missing words and date pattern that the options set."""
        form = self.form
        if isinstance(form, NumberForm) and options.decimal not in (None, form.decimal):
            mark = options.decimal or "."
            thousands = form.decimal if form.thousands == mark else form.thousands
            form = replace(form, decimal=mark, thousands=thousands)
        if isinstance(form, DateForm) and self.name in options.date_formats:
            form = form.asked(options.date_formats[self.name])
        if options.missing is None:
            return replace(self, form=form)
        return replace(self, form=form, missing=words_of(options.missing), written=True)

    def to_json(self) -> dict[str, Any]:
        """The form as plain JSON values."""
        return {
            "name": self.name,
            "form": {"is": form_name(self.form), "as": self.form.to_json()},
            "missing": list(self.missing),
            "written": self.written,
            "evidence": self.evidence,
            "kind": self.kind,
        }


def form_name(form: Form) -> str:
    """The name of the class of forms: "number", "date", "boolean" or "text"."""
    classes = zip(get_args(Form), ("number", "date", "boolean", "text"), strict=True)
    return next(name for kind, name in classes if isinstance(form, kind))


def column_form_from_json(value: object, where: str) -> ColumnForm:
    """The form that `to_json` wrote; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, KEYS)
    form = checked.record(entries["form"], f"{where}.form", ("is", "as"))
    name = checked.text(form["is"], f"{where}.form.is")
    if name not in _FROM_JSON:
        raise checked.refuse(f"{where}.form.is", f"one of {list(_FROM_JSON)}", name)
    return ColumnForm(
        checked.text(entries["name"], f"{where}.name"),
        _FROM_JSON[name](form["as"], f"{where}.form.as"),
        checked.texts(entries["missing"], f"{where}.missing"),
        checked.flag(entries["written"], f"{where}.written"),
        checked.text(entries["evidence"], f"{where}.evidence"),
        checked.text(entries["kind"], f"{where}.kind"),
    )


def wanted(form: Form) -> str:
    """What a value of the form is, for messages: "a number"."""
    if isinstance(form, DateForm):
        return {"date": "a date", "time": "a time of day", "duration": "a duration"}[form.kind]
    words = {NumberForm: "a number", BooleanForm: "true or false", TextForm: "a text"}
    return words[type(form)]
