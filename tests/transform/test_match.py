"""What counts as a mention of a company, what does not, and how sure each makes us."""

from collections.abc import Sequence

import pyarrow as pa
import pytest

from wordstreet.transform.match import Evidence, Matcher
from wordstreet.watchlist import Company, Watchlist

LISTS = pa.list_(pa.string())


def mentions(
    matcher: Matcher, text: str, cashtags: Sequence[str] = (), rule_tags: Sequence[str] = ()
) -> dict[str, tuple[str, float]]:
    """Return evidence and confidence for each ticker found in one post."""
    found = matcher.match(
        pa.array([text], pa.string()),
        pa.array([list(cashtags)], LISTS),
        pa.array([list(rule_tags)], LISTS),
    )
    return {
        row["ticker"]: (row["evidence"], round(row["confidence"], 4)) for row in found.to_pylist()
    }


def confidence(matcher: Matcher, text: str, ticker: str, cashtags: Sequence[str] = ()) -> float:
    """Return how sure we are of one company, 0 when it is not found."""
    return mentions(matcher, text, cashtags).get(ticker, ("", 0.0))[1]


@pytest.mark.parametrize(
    "text",
    [
        "Apple",
        "buy Apple!",
        "(Apple)",
        "“Apple”",
        "Apple's",
        "Apple’s",
        "#Apple",
        "x/Apple",
        "-Apple-",
    ],
)
def test_name_as_written(matcher: Matcher, text: str) -> None:
    """A name stands between anything that is no part of a word, also as a hashtag."""
    assert mentions(matcher, text) == {"AAPL": ("name", 0.8)}


@pytest.mark.parametrize(
    "text",
    [
        "Apples",
        "Pineapple",
        "Apple_",
        "Apple1",
        "Appleа",
        "éApple",
        "Applé",
        "Apple\u0301",
        "٣Apple",
    ],
)
def test_name_inside_a_word_is_none(matcher: Matcher, text: str) -> None:
    """Letters, digits and marks of any alphabet continue a word, and so does an underscore."""
    assert mentions(matcher, text) == {}


@pytest.mark.parametrize(
    "text", ["苹果Apple发布", "Appleの株", "Apple가", "Appleแพง", "今日トヨタ株を買う"]
)
def test_scripts_without_blanks_do_not_continue_a_word(matcher: Matcher, text: str) -> None:
    """Next to Chinese, Japanese, Korean or Thai a name needs no blank."""
    assert set(mentions(matcher, text)) in ({"AAPL"}, {"TM"})


@pytest.mark.parametrize("text", ["🚀Apple🚀", "Apple\ufe0f", "€Apple", "…Apple…"])
def test_signs_do_not_continue_a_word(matcher: Matcher, text: str) -> None:
    """Emoji, currency signs and punctuation end a word."""
    assert set(mentions(matcher, text)) == {"AAPL"}


@pytest.mark.parametrize(
    ("text", "sure"), [("Target", 0.8), ("TARGET", 0.65), ("target", 0.5), ("#target", 0.5)]
)
def test_case_of_a_single_word_tells_how_sure(matcher: Matcher, text: str, sure: float) -> None:
    """A name of one word is surest as the watchlist writes it, least so in small letters."""
    assert mentions(matcher, f"my {text} price") == {"TGT": ("name", sure)}


@pytest.mark.parametrize(
    "text", ["Bank of America", "bank of america", "BANK OF AMERICA", "#BankOfAmerica"]
)
def test_case_of_several_words_tells_nothing(matcher: Matcher, text: str) -> None:
    """Several words in a row are a name in any case, and run together as a hashtag."""
    assert mentions(matcher, text) == {"BAC": ("name", 0.8)}


def test_name_without_case_is_as_written(matcher: Matcher) -> None:
    """A script without capitals has no small letters to doubt."""
    assert mentions(matcher, "トヨタ") == {"TM": ("alias", 0.8)}


@pytest.mark.parametrize("blank", ["  ", "\n", "\t", "\u00a0", "\u3000", "\r\n", " \u2028 "])
def test_any_white_space_separates_the_words_of_a_name(matcher: Matcher, blank: str) -> None:
    """Line breaks, double and unbreakable blanks count as one blank."""
    assert mentions(matcher, f"in Bank{blank}of America{blank}we trust") == {"BAC": ("name", 0.8)}


@pytest.mark.parametrize("text", ["Nestlé", "NESTLÉ", "nestlé", "Nestle\u0301", "NESTLE\u0301"])
def test_accents_in_both_cases_and_both_forms(matcher: Matcher, text: str) -> None:
    """An accented name is found composed and decomposed, in capitals and small letters."""
    assert set(mentions(matcher, f"choc by {text}.")) == {"NESN"}


@pytest.mark.parametrize("text", ["L'Oréal", "L’Oréal", "L’ORÉAL", "l'oréal"])
def test_both_apostrophes(matcher: Matcher, text: str) -> None:
    """A straight and a curly apostrophe are the same."""
    assert mentions(matcher, f"make-up: {text}") == {"OR": ("name", 0.8)}


@pytest.mark.parametrize("text", ["Groß", "GROSS", "groß", "GROẞ"])
def test_letters_with_two_capitals(text: str) -> None:
    """A name with a letter whose capital is two letters is found in all spellings."""
    matcher = Matcher(Watchlist((Company("GR", "Groß"),)))

    assert set(mentions(matcher, f"bei {text} im Laden")) == {"GR"}


def test_letter_that_changes_its_length_moves_nothing(matcher: Matcher) -> None:
    """Capitals whose small letter takes other bytes do not shift what stands behind them."""
    assert mentions(matcher, "İİİ KKK Apple target") == {
        "AAPL": ("name", 0.8),
        "TGT": ("name", 0.5),
    }


@pytest.mark.parametrize(
    "text", ["$AAPL", "$aapl", "buy $AAPL!", "($AAPL)", "$AAPL.", "買い$AAPL", "$AAPL,$MSFT"]
)
def test_cashtag_in_the_text(matcher: Matcher, text: str) -> None:
    """A cashtag counts in any case where it stands as a symbol."""
    assert mentions(matcher, text) == {"AAPL": ("cashtag", 0.9)}


@pytest.mark.parametrize(
    "text",
    [
        "BLACKLI$T",
        "U$D",
        "A$T",
        "1$T",
        "é$T",
        "$$T",
        "$T1",
        "$Té",
        "$T_",
        "$TSLA",
        "$T.A",
        "$T.TO up",
        "T",
        "$ T",
    ],
)
def test_dollar_and_letter_is_not_always_a_cashtag(matcher: Matcher, text: str) -> None:
    """Inside words, after another $, in longer symbols and without $ there is no cashtag."""
    assert mentions(matcher, text) == {}


@pytest.mark.parametrize("text", ["$BRK.B", "$brk.b", "$BRK-B", "$BRK/B", "$BRK.B."])
def test_share_class_with_any_mark(matcher: Matcher, text: str) -> None:
    """A class of shares is found however it is set off."""
    assert mentions(matcher, text) == {"BRK.B": ("cashtag", 0.9)}


@pytest.mark.parametrize(
    "text", ["$AAPL.It flies", "$AAPL.NOW buy", "$AAPL. A fine day", "$AAPL..."]
)
def test_sentence_that_follows_a_cashtag_is_no_share_class(matcher: Matcher, text: str) -> None:
    """A missing blank behind the full stop does not make another security."""
    assert mentions(matcher, text) == {"AAPL": ("cashtag", 0.9)}


def test_alias_in_ticker_form_is_a_cashtag(matcher: Matcher) -> None:
    """Another symbol of the company counts like its ticker, in the text and on the list."""
    assert mentions(matcher, "$GOOG") == {"GOOGL": ("cashtag", 0.9)}
    assert mentions(matcher, "up", ["GOOG"]) == {"GOOGL": ("cashtag", 0.95)}


def test_alias_that_is_the_ticker_of_another_company_is_no_cashtag_of_ours() -> None:
    """A ticker belongs to the company that is traded under it."""
    matcher = Matcher(
        Watchlist((Company("X", "Xylo", aliases=("ABC",)), Company("ABC", "Alpha Beta")))
    )

    assert mentions(matcher, "$ABC") == {"ABC": ("cashtag", 0.9)}


def test_cashtag_listed_by_the_platform(matcher: Matcher) -> None:
    """The platform's own list is the strongest evidence, also of a one-letter ticker."""
    assert mentions(matcher, "$T", ["T"]) == {"T": ("cashtag", 0.95)}


@pytest.mark.parametrize(
    ("text", "listed", "sure"),
    [
        ("$T up", [], 0.6),
        ("$T", [], 0.6),
        ('say "$T".', [], 0.6),
        ("$t up", [], 0.4),
        ("$T up", ["VZ"], 0.4),
        ("€$T up", [], 0.4),
        ("#$T up", [], 0.4),
        ("S*$T up", [], 0.4),
        ("$T€", [], 0.4),
        ("$T!ll", [], 0.4),
    ],
)
def test_short_ticker_needs_more_than_a_dollar(
    matcher: Matcher, text: str, listed: list[str], sure: float
) -> None:
    """One letter is believed only in capitals, standing apart, and not against the platform."""
    assert confidence(matcher, text, "T", listed) == sure


@pytest.mark.parametrize(("text", "sure"), [("$NOW", 0.6), ("$now", 0.4), ("$Now", 0.4)])
def test_ticker_that_is_a_word_needs_more_than_a_dollar(text: str, sure: float) -> None:
    """A ticker that is an English word is doubted like one of a single letter."""
    matcher = Matcher(Watchlist((Company("NOW", "ServiceNow"),)))

    assert confidence(matcher, f"buy {text} today", "NOW") == sure


def test_long_ticker_needs_no_list(matcher: Matcher) -> None:
    """A ticker that is no word is believed although the platform lists only others."""
    assert confidence(matcher, "$AAPL", "AAPL", ["MSFT"]) == 0.9


@pytest.mark.parametrize("text", ["@ATT", "@att help", ".@ATT:", "(@ATT)", "hi @ATT."])
def test_handle(matcher: Matcher, text: str) -> None:
    """A company's account counts in any case."""
    assert mentions(matcher, text) == {"T": ("handle", 0.85)}


@pytest.mark.parametrize(
    "text", ["@ATTcares", "@ATT_", "joe@ATT", "@@ATT", "@att.bsky.social", "@ATT@host.example"]
)
def test_other_accounts_and_addresses_are_no_handle(matcher: Matcher, text: str) -> None:
    """Longer account names, addresses and accounts elsewhere are not the company's."""
    assert mentions(matcher, text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/Apple/x",
        "http://Apple/$AAPL",
        "www.Apple.com",
        "see https://example.com/?q=$AAPL&h=@Apple",
        "Apple.com",
        "joe@Apple",
        "Apple@example.com",
        "$Apple",
    ],
)
def test_links_addresses_and_symbols_hold_no_names(matcher: Matcher, text: str) -> None:
    """What stands in a link, a domain, an address or after a $ was not said about the company."""
    assert mentions(matcher, text) == {}


def test_link_ends_where_the_text_goes_on(matcher: Matcher) -> None:
    """A blank or a letter beyond ASCII ends a link."""
    assert mentions(matcher, "https://e.com/a Apple") == {"AAPL": ("name", 0.8)}
    assert mentions(matcher, "https://e.com/a、Apple") == {"AAPL": ("name", 0.8)}


def test_excluded_phrase_silences_the_name_inside_it(matcher: Matcher) -> None:
    """A name inside an excluded phrase means something else."""
    assert mentions(matcher, "My candy apple, my APPLE  PIE") == {}


def test_excluded_phrase_silences_no_other_place(matcher: Matcher) -> None:
    """The same name elsewhere in the post still counts."""
    assert mentions(matcher, "apple pie at Apple") == {"AAPL": ("name", 0.8)}


@pytest.mark.parametrize("text", ["Apple pies", "scandy apple", "Apple, pie"])
def test_excluded_phrase_has_boundaries_itself(matcher: Matcher, text: str) -> None:
    """A phrase that is only part of other words excludes nothing."""
    assert set(mentions(matcher, text)) == {"AAPL"}


def test_excluded_phrase_silences_no_cashtag(matcher: Matcher) -> None:
    """Only names can mean something else in a phrase."""
    assert mentions(matcher, "AT&T Park $T @ATT", ["T"])["T"] == ("cashtag", 0.9925)


def test_exclusion_is_longer_than_the_name(matcher: Matcher) -> None:
    """The stadium is not the bank."""
    assert mentions(matcher, "at Bank of America Stadium") == {}


def test_phrases_inside_phrases() -> None:
    """A name in a long phrase is silent although a shorter phrase ended before it."""
    phrases = ("red apple", "a red apple and a green apple")
    matcher = Matcher(Watchlist((Company("AAPL", "Apple", exclude=phrases),)))

    assert mentions(matcher, "a red apple and a green apple") == {}


def test_phrase_of_one_company_silences_no_other() -> None:
    """A phrase excludes only for the company that lists it."""
    matcher = Matcher(
        Watchlist((Company("AAA", "Alpha", exclude=("alpha beta",)), Company("BBB", "Beta")))
    )

    assert set(mentions(matcher, "alpha beta")) == {"BBB"}


def test_longest_name_wins(matcher: Matcher) -> None:
    """A name inside the longer name of another company is not a mention of its own."""
    assert mentions(matcher, "Apple Hospitality pays") == {"APLE": ("name", 0.8)}


def test_longest_name_wins_over_every_name_inside_it() -> None:
    """Names at both ends of a longer one are parts of it."""
    companies = (
        Company("ABC", "Alpha Beta Gamma"),
        Company("AAA", "Alpha"),
        Company("CCC", "Gamma"),
    )

    assert set(mentions(Matcher(Watchlist(companies)), "Alpha Beta Gamma")) == {"ABC"}


def test_name_inside_the_own_longer_name_is_no_second_witness(matcher: Matcher) -> None:
    """`Apple Inc` is one piece of evidence, not two."""
    assert mentions(matcher, "Apple Inc") == {"AAPL": ("alias", 0.8)}


def test_kinds_of_evidence_add_up(matcher: Matcher) -> None:
    """Different kinds are independent witnesses: 1 - .1 x .2 x .15; the strongest is named."""
    assert mentions(matcher, "$AAPL Apple @Apple") == {"AAPL": ("cashtag", 0.997)}


def test_repetition_makes_no_surer(matcher: Matcher) -> None:
    """The same kind of evidence twice is still one witness, the better one."""
    assert mentions(matcher, "apple Apple apple") == {"AAPL": ("name", 0.8)}


@pytest.mark.parametrize("tag", ["KO", "wordstreet:KO"])
def test_rule_alone_is_weak_evidence(tag: str) -> None:
    """That a rule delivered the post is believed a little, where nothing else speaks."""
    matcher = Matcher(Watchlist((Company("KO", "Coca-Cola"),)))

    assert mentions(matcher, "fizzy", [], [tag]) == {"KO": ("rule", 0.3)}
    assert mentions(matcher, "Coca-Cola", [], [tag]) == {"KO": ("name", 0.8)}


@pytest.mark.parametrize("tag", ["ko", "wordstreet:ko", "other:KO", "KO 2"])
def test_other_rules_say_nothing(tag: str) -> None:
    """A tag that is not ours names no company."""
    matcher = Matcher(Watchlist((Company("KO", "Coca-Cola"),)))

    assert mentions(matcher, "fizzy", [], [tag]) == {}


def test_post_about_two_companies_is_two_rows_in_watchlist_order(matcher: Matcher) -> None:
    """Rows come by post, then in the order of the watchlist, whatever the order in the text."""
    none = pa.array([[], [], []], LISTS)
    found = matcher.match(pa.array(["Google and Apple", "nothing", "Nestlé, AT&T"]), none, none)

    assert found["row"].to_pylist() == [0, 0, 2, 2]
    assert found["ticker"].to_pylist() == ["AAPL", "GOOGL", "T", "NESN"]


def test_name_across_two_posts_is_none(matcher: Matcher) -> None:
    """The end of one text and the beginning of the next make no name."""
    none = pa.array([[], [], []], LISTS)

    assert matcher.match(pa.array(["Bank of", " America", "$A"]), none, none).num_rows == 0


def test_neighbour_in_another_post_is_none(matcher: Matcher) -> None:
    """Texts that touch in memory do not touch."""
    none = pa.array([[], [], []], LISTS)

    assert matcher.match(pa.array(["x", "Apple", "s"]), none, none)["row"].to_pylist() == [1]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_text_of_any_arrow_type(matcher: Matcher, kind: pa.DataType) -> None:
    """Small, large and view strings are read alike, and null is no text."""
    none = pa.array([[], None, []], LISTS)
    found = matcher.match(pa.array([None, "", "$AAPL"]).cast(kind), none, none)

    assert found["row"].to_pylist() == [2]


def test_slice_of_a_longer_array(matcher: Matcher) -> None:
    """Rows are counted from the beginning of the slice, in all three columns."""
    texts = pa.array(["Apple", "Apple", None, "Nestlé", "Apple"])
    tags = pa.array([["T"], None, [], ["T"], ["T"]], LISTS)
    rules = pa.array([["TM"], ["BAC"], None, [], ["TM"]], LISTS)
    found = matcher.match(texts.slice(1, 3), tags.slice(1, 3), rules.slice(1, 3)).to_pydict()

    assert list(zip(found["row"], found["ticker"], strict=True)) == [
        (0, "AAPL"),
        (0, "BAC"),
        (2, "T"),
        (2, "NESN"),
    ]


@pytest.mark.parametrize("texts", [[], [None], [""], [None, ""]])
def test_nothing_said_is_nothing_found(matcher: Matcher, texts: list[str | None]) -> None:
    """Empty columns give an empty table with the same columns."""
    none = pa.nulls(len(texts), LISTS)
    found = matcher.match(pa.array(texts, pa.string()), none, none)

    assert found.num_rows == 0
    assert found.schema.equals(
        pa.schema(
            {
                "row": pa.int64(),
                "ticker": pa.string(),
                "evidence": pa.string(),
                "confidence": pa.float32(),
            }
        )
    )


def test_explain_lists_what_counts_and_what_does_not(matcher: Matcher) -> None:
    """Each piece comes by its place, the refused ones with the reason."""
    found = matcher.explain("Apple pie, BLACKLI$T, Apple.com, Apple Inc", ["AAPL", "ZZZ"])

    assert found == [
        Evidence("AAPL", "name", "Apple", 0.8, "it is part of a phrase the watchlist excludes"),
        Evidence("T", "cashtag", "$T", 0.4, "it is part of a longer word or symbol"),
        Evidence("AAPL", "name", "Apple", 0.8, "it is part of a link or an address"),
        Evidence("AAPL", "alias", "Apple Inc", 0.8, None),
        Evidence("AAPL", "name", "Apple", 0.8, "it is part of a longer name on the watchlist"),
        Evidence("AAPL", "cashtag", "AAPL", 0.95, None),
    ]


def test_explain_of_nothing_is_empty(matcher: Matcher) -> None:
    """A text about nobody has no evidence."""
    assert matcher.explain("") == matcher.explain("nothing of note") == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece", ["$T", "Apple.", "http://", "apple pie", "A", "İ", "\u00a0 ", "é$T", "@Apple"]
)
def test_long_text_takes_no_quadratic_time(matcher: Matcher, piece: str) -> None:
    """Two million characters of evidence are read in seconds; quadratic time would take hours."""
    text = piece * (2_000_000 // len(piece))

    assert len(mentions(matcher, text)) <= 2


@pytest.mark.timeout(60)
def test_watchlist_of_thousands() -> None:
    """Five thousand companies are ready in seconds and found like one."""
    companies = tuple(
        Company(f"Q{n}", f"Company{n} Limited", aliases=(f"Co{n}",)) for n in range(5000)
    )
    matcher = Matcher(Watchlist(companies))

    assert mentions(matcher, "company4321 limited, Co17") == {
        "Q17": ("alias", 0.8),
        "Q4321": ("name", 0.8),
    }
