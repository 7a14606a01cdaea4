//! From characters to words: tokens, base forms, slips of the pen.

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A word, lower case.
    Word(String),
    /// A number.
    Number(f32),
    /// The 's of a possessive.
    Possessive,
    /// A comma, a dash.
    Comma,
    /// The end of a sentence.
    Stop,
    /// A question mark.
    Question,
}

/// Splits a text. Contractions are opened ("don't" is "do not"), hyphens part words, accents stay.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        if c.is_ascii_digit() {
            let mut j = i;
            while j < chars.len()
                && (chars[j].is_ascii_digit()
                    || (chars[j] == '.' && chars.get(j + 1).is_some_and(char::is_ascii_digit)))
            {
                j += 1;
            }
            let number: String = chars[i..j].iter().collect();
            // Two points in one number: its beginning counts.
            let value = number.parse().unwrap_or(f32::INFINITY);
            found.push(Token::Number(value));
            i = j;
        } else if c.is_alphabetic() {
            let mut j = i;
            while j < chars.len() && (chars[j].is_alphabetic() || is_apostrophe(&chars, j)) {
                j += 1;
            }
            let word: String = chars[i..j].iter().flat_map(|c| c.to_lowercase()).collect();
            open(&word.replace('\u{2019}', "'"), &mut found);
            i = j;
        } else {
            match c {
                ',' | '\u{2013}' | '\u{2014}' | ':' => found.push(Token::Comma),
                '.' | '!' | ';' | '\u{2026}' | '\n' => found.push(Token::Stop),
                '?' => found.push(Token::Question),
                _ => (),
            }
            i += 1;
        }
    }
    found
}

/// An apostrophe within a word.
fn is_apostrophe(chars: &[char], at: usize) -> bool {
    matches!(chars[at], '\'' | '\u{2019}')
        && at > 0
        && chars[at - 1].is_alphabetic()
        && chars.get(at + 1).is_some_and(|c| c.is_alphabetic())
}

fn open(word: &str, found: &mut Vec<Token>) {
    let push = |found: &mut Vec<Token>, words: &[&str]| {
        found.extend(words.iter().map(|w| Token::Word((*w).to_owned())));
    };
    let Some((stem, ending)) = word.rsplit_once('\'') else {
        return push(found, &[word]);
    };
    match (stem, ending) {
        ("let", "s") => push(found, &["let", "us"]),
        ("can", "t") => push(found, &["can", "not"]),
        ("won", "t") => push(found, &["will", "not"]),
        (stem, "t") if stem.ends_with('n') => push(found, &[&stem[..stem.len() - 1], "not"]),
        ("it" | "that" | "what" | "where" | "there" | "here" | "who", "s") => {
            push(found, &[stem, "is"]);
        }
        (stem, "s") => {
            push(found, &[stem]);
            found.push(Token::Possessive);
        }
        (stem, "re") => push(found, &[stem, "are"]),
        (stem, "ve") => push(found, &[stem, "have"]),
        (stem, "d") => push(found, &[stem, "would"]),
        (stem, "ll") => push(found, &[stem, "will"]),
        (stem, "m") => push(found, &[stem, "am"]),
        (stem, ending) => push(found, &[stem, ending]),
    }
}

/// The singular of a noun, and whether it was a plural.
pub(super) fn singular(word: &str) -> (String, bool) {
    let irregular = match word {
        "feet" => Some("foot"),
        "people" => Some("person"),
        "shelves" => Some("shelf"),
        "knives" => Some("knife"),
        "men" => Some("man"),
        "women" => Some("woman"),
        _ => None,
    };
    if let Some(one) = irregular {
        return (one.to_owned(), true);
    }
    let long = word.chars().count() > 3;
    for (ending, one) in [
        ("ies", "y"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("sses", "ss"),
    ] {
        if let Some(stem) = word.strip_suffix(ending).filter(|_| long) {
            return (format!("{stem}{one}"), true);
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if long && !stem.ends_with(['s', 'u', 'i']) => (stem.to_owned(), true),
        _ => (word.to_owned(), false),
    }
}

/// The known word that `word` is a slip of: two neighbouring letters swapped, one left out or one too many; another letter
/// only in words of six or more, for short words differ by one letter by nature ("bed", "red").
pub(super) fn corrected<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let chars: Vec<char> = word.chars().collect();
    if chars.len() < 3 {
        return None;
    }
    let mut best: Option<&str> = None;
    for candidate in known {
        let letters: Vec<char> = candidate.chars().collect();
        // The first letter is rarely wrong, but for swaps.
        let alike = letters.first() == chars.first() || is_swap(&chars, &letters);
        if letters.len() < 3 || !alike || !is_slip(&chars, &letters) {
            continue;
        }
        match best {
            Some(other) if other != candidate => return None,
            _ => best = Some(candidate),
        }
    }
    best
}

fn is_swap(a: &[char], b: &[char]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let differing: Vec<usize> = (0..a.len()).filter(|i| a[*i] != b[*i]).collect();
    matches!(differing[..], [i, j] if j == i + 1 && a[i] == b[j] && a[j] == b[i])
}

fn is_slip(wrong: &[char], right: &[char]) -> bool {
    if is_swap(wrong, right) {
        return true;
    }
    let without = |long: &[char], short: &[char]| {
        long.len() == short.len() + 1
            && (0..long.len()).any(|i| long[..i] == short[..i] && long[i + 1..] == short[i..])
    };
    if without(right, wrong) || (wrong.len() > 4 && without(wrong, right)) {
        return true;
    }
    let others = wrong.iter().zip(right).filter(|(a, b)| a != b).count();
    wrong.len() == right.len() && wrong.len() >= 6 && others == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(w: &str) -> Token {
        Token::Word(w.to_owned())
    }

    #[test]
    fn text_is_split_into_words_numbers_and_stops() {
        assert_eq!(
            tokens("Don't move the chair's legs 1.5 m, please!"),
            [
                word("do"),
                word("not"),
                word("move"),
                word("the"),
                word("chair"),
                Token::Possessive,
                word("legs"),
                Token::Number(1.5),
                word("m"),
                Token::Comma,
                word("please"),
                Token::Stop
            ]
        );
        assert_eq!(tokens("1.2.3")[0], Token::Number(f32::INFINITY));
        assert!(tokens("'' -- '").is_empty());
    }

    #[test]
    fn plurals_have_singulars() {
        assert_eq!(singular("boxes"), ("box".to_owned(), true));
        assert_eq!(singular("shelves"), ("shelf".to_owned(), true));
        assert_eq!(singular("glass"), ("glass".to_owned(), false));
        assert_eq!(singular("bus"), ("bus".to_owned(), false));
    }

    #[test]
    fn slips_are_corrected_and_short_words_left_alone() {
        let known = ["move", "door", "red", "sofa", "suitcase", "wall"];
        let fix = |w: &str| corrected(w, known.into_iter());
        assert_eq!(fix("mvoe"), Some("move"));
        assert_eq!(fix("dor"), Some("door"));
        assert_eq!(fix("suitcade"), Some("suitcase"));
        assert_eq!(fix("bed"), None);
        assert_eq!(fix("ball"), None);
        assert_eq!(fix("xx"), None);
    }
}
