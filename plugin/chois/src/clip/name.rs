//! Names of files.

use std::collections::HashSet;

/// A file's name, without ending, for something that is called `what`: letters, digits and hyphens as they are, all else as
/// underscores, so that no name leads out of a folder; with a number where that is among the names already `taken`.
pub fn file_name(what: &str, taken: &mut HashSet<String>) -> String {
    let plain: String = (what.trim().chars())
        .map(|c| {
            if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let name = (1..)
        .map(|k| match k {
            1 => plain.clone(),
            k => format!("{plain}-{k}"),
        })
        .find(|name| !taken.contains(name))
        .unwrap_or_default();
    taken.insert(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder_and_differ() {
        let mut taken = HashSet::new();
        let names = [" Ann B.", "Ann B?", "../up", "Zoë-2"].map(|n| file_name(n, &mut taken));
        assert_eq!(names, ["Ann_B_", "Ann_B_-2", "___up", "Zoë-2"]);
    }
}
