//! The sign before a paragraph, such as `a)`: where it ends in a line, and what it counts by.

/// What may stand before what counts, and behind it.
const OPENING: [char; 2] = ['(', '（'];
pub(crate) const CLOSING: [char; 3] = [')', '）', '.'];

/// A line as enumerator, separator and text.
pub(super) fn split(line: &str) -> (&str, &str, &str) {
    if let Some(parts) = arabic(line) {
        return parts;
    }
    let Some(end) = line.find(['\t', ' ']) else { return ("", "", line) };
    let (token, rest) = line.split_at(end);
    let (separator, text) = rest.split_at(1);
    // Before a tab any enumerator counts. Before a space only one that no sentence starts with.
    let counts = match separator {
        "\t" => token.is_empty() || is_enumerator(token),
        _ => !text.is_empty() && is_enumerator(token) && token.ends_with(CLOSING),
    };
    if counts { (token, separator, text) } else { ("", "", line) }
}

/// What Arabic has and no other script: `أ )`, a space behind a letter that is not joined to what follows, and perhaps
/// one before it; `1 -`, a dash behind a number (UN style), which is of the separator.
fn arabic(line: &str) -> Option<(&str, &str, &str)> {
    let number = line.get(..line.find(|c| !is_digit(c))?)?;
    if number.is_empty() {
        let (letter, rest) = line.split_once(')')?;
        let counts = letter.trim_matches([' ', '\u{a0}']).starts_with(is_arabic)
            && is_letter(letter.trim_matches([' ', '\u{a0}']))
            && (rest.starts_with('\t') || (rest.starts_with(' ') && rest.len() > 1));
        let (enumerator, rest) = line.split_at(letter.len() + 1);
        return counts.then(|| rest.split_at(1)).map(|(separator, text)| (enumerator, separator, text));
    }
    let rest = line.get(number.len()..)?;
    let text = rest.strip_prefix(' ').unwrap_or(rest).strip_prefix(['-', '–'])?.strip_prefix([' ', '\t'])?;
    let counts = number.chars().count() <= 3 && text.starts_with(is_arabic);
    counts.then_some((number, rest.strip_suffix(text)?, text))
}

/// `a)`, `iv)`, `12`, `11bis`, `3.`, `–`, `б)`, `（a）` and the like.
fn is_enumerator(token: &str) -> bool {
    if matches!(token, "–" | "—" | "-" | "•" | "*") {
        return true;
    }
    let (core, closed) = match token.strip_suffix(CLOSING) {
        Some(core) => (core.strip_prefix(OPENING).unwrap_or(core), true),
        None => (token, false),
    };
    let behind = core.trim_start_matches(is_digit);
    let digits = core.chars().count() - behind.chars().count();
    if (1..=3).contains(&digits) {
        return behind.is_empty() || is_latin_ordinal(behind);
    }
    let letters =
        closed && !core.is_empty() && core.len() <= 6 && core.chars().all(|c| c.is_ascii_lowercase());
    let few = letters && (core.len() <= 2 || core.chars().all(|c| "ivxlc".contains(c)));
    (few || (closed && is_letter(core))) && !token.ends_with('.')
}

/// The suffix of a paragraph added between two others, until it is renumbered.
fn is_latin_ordinal(suffix: &str) -> bool {
    const ORDINALS: [&str; 9] =
        ["bis", "ter", "quater", "quinquies", "sexies", "septies", "octies", "novies", "decies"];
    ORDINALS.contains(&suffix.trim_start())
}

/// An enumerator without the signs around what counts.
pub(crate) fn core(enumerator: &str) -> &str {
    enumerator.trim_matches(|c| OPENING.contains(&c) || CLOSING.contains(&c) || matches!(c, ' ' | '\u{a0}'))
}

/// The same signs around something else.
pub(crate) fn between_signs(enumerator: &str, counts: &str) -> String {
    let open: String = enumerator.chars().take_while(|c| OPENING.contains(c)).collect();
    let close: String = enumerator.chars().filter(|c| CLOSING.contains(c)).collect();
    format!("{open}{counts}{close}")
}

/// A digit, also as Arabic writes it.
pub(super) fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('٠'..='٩').contains(&c)
}

/// Whether it is one small Cyrillic letter or one Arabic letter, perhaps lengthened: `هـ`.
pub(super) fn is_letter(core: &str) -> bool {
    let mut letters = core.trim_end_matches(['\u{640}', '\u{200d}']).chars();
    let first = letters.next().is_some_and(|c| ('а'..='я').contains(&c) || c == 'ё' || is_arabic(c));
    first && letters.next().is_none()
}

fn is_arabic(c: char) -> bool {
    ('ء'..='ي').contains(&c) && c != '\u{640}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stay_around_what_counts() {
        let signs = ["11bis", "3.", "a)", "(a)", "（a）", "1）"].map(|one| between_signs(one, "2"));
        assert_eq!(signs, ["2", "2.", "2)", "(2)", "（2）", "2）"]);
    }

    #[test]
    fn enumerators_are_told_from_words() {
        for (line, expected) in [
            ("a)\ttext", ("a)", "\t", "text")),
            ("a) updating", ("a)", " ", "updating")),
            ("iv)\tto", ("iv)", "\t", "to")),
            ("11bis\tto", ("11bis", "\t", "to")),
            ("1. Requests", ("1.", " ", "Requests")),
            ("–\tthe", ("–", "\t", "the")),
            ("\tto participate", ("", "\t", "to participate")),
            ("2 of them", ("", "", "2 of them")),
            ("2022\tyear", ("", "", "2022\tyear")),
            ("e.g. this", ("", "", "e.g. this")),
            ("it) is", ("it)", " ", "is")),
            ("resolves", ("", "", "resolves")),
            ("word\ttab", ("", "", "word\ttab")),
        ] {
            assert_eq!(split(line), expected, "{line:?}");
        }
    }

    #[test]
    fn those_of_other_scripts_are_told_from_words() {
        for (line, expected) in [
            ("б) что", ("б)", " ", "что")),
            ("ё)\tчто", ("ё)", "\t", "что")),
            ("Б)\tчто", ("", "", "Б)\tчто")),
            ("до) что", ("", "", "до) что")),
            ("а. что", ("", "", "а. что")),
            ("я согласен", ("", "", "я согласен")),
            ("ب)\tأن", ("ب)", "\t", "أن")),
            ("(أ) أن", ("(أ)", " ", "أن")),
            ("أ )\tأن", ("أ )", "\t", "أن")),
            (" د ) أن", (" د )", " ", "أن")),
            ("هـ )\tأن", ("هـ )", "\t", "أن")),
            ("من) أن", ("", "", "من) أن")),
            ("أ )", ("", "", "أ )")),
            ("١\tأن", ("١", "\t", "أن")),
            ("١٢٣٤\tأن", ("", "", "١٢٣٤\tأن")),
            ("1 - تقرر", ("1", " - ", "تقرر")),
            ("2-\tتقرر", ("2", "-\t", "تقرر")),
            ("1 - to go", ("", "", "1 - to go")),
            ("2030 - خطة", ("", "", "2030 - خطة")),
            ("（a） 促进", ("（a）", " ", "促进")),
            ("1）\t促进", ("1）", "\t", "促进")),
            ("（一） 促进", ("", "", "（一） 促进")),
        ] {
            assert_eq!(split(line), expected, "{line:?}");
        }
    }
}
