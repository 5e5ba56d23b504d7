//! How resolutions are drafted in each of the six languages of the United Nations: the words by which a line is known,
//! as data, a language a file. They are those of the resolutions of ITU and of the General Assembly.

mod arabic;
mod chinese;
mod english;
mod french;
mod russian;
mod spanish;

/// What lines are known by in one language, in the styles of ITU and of the United Nations. Words stand as [`plain`]
/// leaves them; beginnings in small letters, too.
#[derive(Debug)]
pub struct Profile {
    /// The first and the last letter of its script.
    pub script: (char, char),
    /// Whether words are set apart. Where not, a beginning may be that of another word.
    pub spaced: bool,
    /// Its commonest words, where others are written in the same script and do not have them.
    pub common: &'static [&'static str],
    /// What preambular headings and paragraphs begin with.
    pub preambular: &'static [&'static str],
    /// What operative headings and paragraphs begin with.
    pub operative: &'static [&'static str],
    /// What may stand before such a beginning and changes nothing: *profondément* préoccupé.
    pub before: &'static [&'static str],
    /// What the heading of an annex begins with.
    pub annex: &'static [&'static str],
    /// Most words of a formula such as *The Council,*.
    pub formula_words: usize,
    /// Longest heading, in characters: what is longer is a paragraph that its verb opens (UN style).
    pub heading_chars: usize,
}

/// English last: it is taken where nothing speaks for another.
const ALL: [&Profile; 6] = [
    &arabic::ARABIC,
    &chinese::CHINESE,
    &russian::RUSSIAN,
    &spanish::SPANISH,
    &french::FRENCH,
    &english::ENGLISH,
];

/// So much of a line is looked at, in characters: more than any beginning has.
const LOOKED_AT: usize = 80;

impl Profile {
    /// That of the language which the lines, given as (enumerator, separator, text), are written in. A document has
    /// one: that of most of its letters, and of those with the same script, that of most of its words.
    pub fn of(lines: &[(&str, &str, &str)]) -> &'static Self {
        let letters = ALL.map(|profile| (profile.letters(lines), profile));
        let most = letters.iter().map(|(count, _)| *count).max();
        let written = letters.into_iter().filter(|(count, _)| Some(*count) == most);
        // Of equals, the last.
        written.map(|(_, profile)| profile).max_by_key(|one| one.words(lines)).unwrap_or(&english::ENGLISH)
    }

    fn letters(&self, lines: &[(&str, &str, &str)]) -> usize {
        let (first, last) = self.script;
        let own = |c: &char| (first..=last).contains(c) && c.is_alphabetic();
        lines.iter().map(|(_, _, text)| text.chars().filter(own).count()).sum()
    }

    /// How many words of the lines are of this language: common ones, and beginnings.
    fn words(&self, lines: &[(&str, &str, &str)]) -> usize {
        let common = |text: &str| {
            text.split(|c: char| !c.is_alphabetic()).filter(|word| self.common.contains(word)).count()
        };
        let begins = |text: &str| {
            let begin = beginning(text);
            self.after(self.preambular, &begin).or_else(|| self.after(self.operative, &begin)).is_some()
        };
        lines.iter().map(|(_, _, text)| common(text) + usize::from(begins(text))).sum()
    }

    /// What stands behind the longest of these `beginnings` that a text has; [`beginning`] has made it plain.
    pub(super) fn after<'t>(&self, beginnings: &[&str], text: &'t str) -> Option<&'t str> {
        let without =
            |text| self.before.iter().find_map(|words| self.without(words, text)).map(str::trim_start);
        std::iter::successors(Some(text), |text| without(text))
            .flat_map(|text| beginnings.iter().filter_map(|words| self.without(words, text)))
            .min_by_key(|rest| rest.len())
    }

    /// The text without these words at its beginning, if they end there as words do.
    fn without<'t>(&self, words: &str, text: &'t str) -> Option<&'t str> {
        let rest = text.strip_prefix(words)?;
        let ends = !self.spaced || words.ends_with('\'') || !rest.starts_with(char::is_alphabetic);
        ends.then_some(rest)
    }

    /// `ANNEX`, `Annex 2`, `Annex: 1`, `附件一`.
    pub(super) fn is_annex(&self, text: &str) -> bool {
        let text = plain(text);
        let number = |c: char| !c.is_alphabetic() || c.is_ascii() || "一二三四五六七八九十".contains(c);
        self.annex.iter().filter_map(|word| text.strip_prefix(word)).any(|rest| {
            let ends =
                if self.spaced { !rest.starts_with(char::is_alphabetic) } else { rest.chars().all(number) };
            ends && rest.chars().count() <= 6
        })
    }
}

/// The beginning of a text as the profiles write it.
pub(super) fn beginning(text: &str) -> String {
    plain(text).to_lowercase()
}

/// The beginning of a text without what one writer sets and another leaves out: the signs of Arabic vowels, what
/// lengthens a word and what turns its direction, the dots of ё; apostrophes and spaces are those of a typewriter.
fn plain(text: &str) -> String {
    let set_or_left_out = |c: &char| {
        matches!(c, '\u{64b}'..='\u{652}' | '\u{670}' | '\u{640}')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let alike = |c| match c {
        '’' | 'ʼ' => '\'',
        'ё' => 'е',
        'Ё' => 'Е',
        '\u{a0}' | '\u{202f}' => ' ',
        other => other,
    };
    text.chars().filter(|c| !set_or_left_out(c)).map(alike).take(LOOKED_AT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_as_texts_are_read() {
        for profile in ALL {
            for words in [profile.preambular, profile.operative, profile.before] {
                for (n, one) in words.iter().enumerate() {
                    assert_eq!(beginning(one), *one);
                    assert!(!words[..n].contains(one), "{one} stands twice");
                }
            }
            for one in profile.annex {
                assert_eq!(plain(one), *one);
            }
        }
    }

    #[test]
    fn verbs_of_arabic_have_both_genders() {
        let verbs = arabic::ARABIC.operative;
        for verb in verbs {
            let (own, other) = if verb.starts_with('ي') { ('ي', 'ت') } else { ('ت', 'ي') };
            let twin = verb.replacen(own, &other.to_string(), 1);
            assert!(verbs.contains(&twin.as_str()), "{verb} without {twin}");
        }
    }

    #[test]
    fn a_document_has_the_language_of_most_of_its_words() {
        let of = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("", "", *line)).collect();
            Profile::of(&lines).operative[0]
        };
        let english = english::ENGLISH.operative[0];
        assert_eq!(of(&[]), english);
        assert_eq!(of(&["123", "A/RES/70/1"]), english);
        assert_eq!(of(&["the Conseil,", "rappelant"]), english, "of equals, English");
        assert_eq!(of(&["Note of the 国际电联 on Женева", "invite the members"]), english);
        assert_eq!(of(&["rappelant"]), french::FRENCH.operative[0]);
        assert_eq!(of(&["resuelve"]), spanish::SPANISH.operative[0]);
        assert_eq!(of(&["ITU-T", "решает"]), russian::RUSSIAN.operative[0]);
        assert_eq!(of(&["إن المجلس،"]), arabic::ARABIC.operative[0]);
        assert_eq!(of(&["ITU 理事会，", "决定"]), chinese::CHINESE.operative[0]);
    }

    #[test]
    fn beginnings_end_as_words_do() {
        for (profile, text, rest) in [
            (&french::FRENCH, "Charge l’Union", Some("union")),
            (&french::FRENCH, "charge de travail", None),
            (&french::FRENCH, "Prend\u{a0}note avec satisfaction", Some(" avec satisfaction")),
            (&french::FRENCH, "Profondément préoccupée par", Some(" par")),
            (&french::FRENCH, "profondément", None),
            (&french::FRENCH, "invitées", None),
            (&russian::RUSSIAN, "настоятельно призывает все", Some(" все")),
            (&russian::RUSSIAN, "подчёркивая,", Some(",")),
            (&russian::RUSSIAN, "решающее", None),
            (&arabic::ARABIC, "\u{200f}إذ يُذكّر", Some(" يذكر")),
            (&arabic::ARABIC, "إذا كان", None),
            (&arabic::ARABIC, "اقتناعاً منه بأن", Some(" منه بأن")),
            (&chinese::CHINESE, "深为关切地注意到", Some("")),
        ] {
            let begin = beginning(text);
            let found = profile
                .after(profile.preambular, &begin)
                .or_else(|| profile.after(profile.operative, &begin));
            assert_eq!(found, rest, "{text}");
        }
    }

    #[test]
    fn annexes_may_have_a_number() {
        for (profile, yes, no) in [
            (&english::ENGLISH, ["ANNEX", "Annex: 1"], ["ANNEXE", "annex 1"]),
            (&french::FRENCH, ["ANNEXE", "Annexe II"], ["Annexes", "Annexe de la présente résolution"]),
            (&spanish::SPANISH, ["ANEXO", "Anexo 1"], ["Anexos", "Anexo de la resolución"]),
            (&russian::RUSSIAN, ["ПРИЛОЖЕНИЕ", "Приложение 1"], ["Приложения", "приложение 1"]),
            (&arabic::ARABIC, ["الملحـق 1", "المرفق الثاني"], ["ملحقات", "الملحق بهذا القرار"]),
            (&chinese::CHINESE, ["附件", "附件二"], ["附件如下", "附件载有"]),
        ] {
            assert!(yes.iter().all(|text| profile.is_annex(text)), "{yes:?}");
            assert!(!no.iter().any(|text| profile.is_annex(text)), "{no:?}");
        }
    }
}
