"""Random texts: no exception, and the evidence counts what the form reads."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pellucid.data.form.number.evidence import NumberEvidence
from pellucid.data.form.number.form import NumberForm, number_form_from_json
from pellucid.data.form.number.marks import normalised
from pellucid.data.form.number.shape import may_be_number, shape_of

ALPHABET = "0123456789" * 2 + ".,.,  '-−–+()%$€kKMmgb/eE^×*_CRD\u00a0\u202f’٣٫"
PIECES = st.sampled_from(
    [
        *"0123456789.,- +()%$€kMmg'_",
        "CHF",
        "kr",
        " kg",
        "CR",
        " DR",
        "1,234",
        "1.234",
        "0,5",
        "12 ",
        "Mio.",
    ]
)
LEADS = st.sampled_from(
    [
        "",
        "",
        "",
        "-",
        "+",
        "(",
        "$",
        "-$",
        "$-",
        "€ ",
        "($",
        "$(",
        "CHF ",
        "kr.",
        "- ",
        "US $",
        "Rs.",
    ]
)
TAILS = st.sampled_from(
    [
        "",
        "",
        "",
        "%",
        " %",
        "kg",
        " g",
        ")",
        "-",
        " -",
        "k",
        "M",
        " Mio. €",
        " CR",
        " DR",
        "%)",
        " €",
        "/kg",
        "A",
        "e5",
    ]
)
MARKED = st.lists(
    st.sampled_from(["0", "5", "12", "123", "000", "1234", ",", ".", " ", "'", "_", "٫", "\u00a0"]),
    min_size=1,
    max_size=6,
).map("".join)
TEXTS = st.one_of(
    st.tuples(LEADS, MARKED, TAILS).map("".join),
    st.tuples(LEADS, MARKED, TAILS).map("".join),
    st.text(ALPHABET, min_size=1, max_size=12),
    st.lists(PIECES, min_size=1, max_size=6).map("".join),
    st.text(min_size=1, max_size=8),
).map(str.strip)
COLUMNS = st.lists(TEXTS.filter(bool), min_size=1, max_size=12, unique=True)


@given(COLUMNS, st.sampled_from([None, ".", ","]), st.booleans())
def test_the_share_is_that_of_the_texts_that_the_form_reads(
    texts: list[str], decimal: str | None, required: bool
) -> None:
    evidence = NumberEvidence()
    evidence.add(texts, [1] * len(texts))
    decided = evidence.decide(decimal, required=required)
    if decided is None:
        return
    read = [text for text in texts if decided.form.read(text) is not None]
    assert round(decided.share * len(texts)) == len(read)
    assert 1 <= decided.distinct <= len(read)
    assert decided.form.describe()
    assert decided.evidence.endswith(".")
    again = number_form_from_json(json.loads(json.dumps(decided.form.to_json())), "form")
    assert again == decided.form


@given(COLUMNS)
def test_a_text_has_the_same_value_alone_and_in_any_order(texts: list[str]) -> None:
    evidence, reversed_evidence = NumberEvidence(), NumberEvidence()
    evidence.add(texts, [1] * len(texts))
    for text in reversed(texts):
        reversed_evidence.add([text], [1])
    decided, other = evidence.decide(), reversed_evidence.decide()
    assert (decided is None) == (other is None)
    if decided is not None and other is not None:
        assert decided.share == other.share


@given(TEXTS)
def test_the_quick_look_rejects_no_number(text: str) -> None:
    bare = normalised(text)
    if shape_of(bare) is not None:
        assert may_be_number(bare)


@given(st.text(max_size=30))
def test_no_form_fails_on_any_text(text: str) -> None:
    for form in (
        NumberForm(),
        NumberForm(",", ".", prefix="€", suffix="€", parentheses=True, trailing_minus=True),
        NumberForm(".", " ", scaled=True, negative_word="DR", positive_word="CR"),
        NumberForm(".", "'", suffix="kg", unit_required=True),
        NumberForm(".", ",", indian=True, multiple="lakh", prefix="₹"),
    ):
        form.read(text)
