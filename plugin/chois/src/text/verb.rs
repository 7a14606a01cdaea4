//! Verbs and their forms.

/// Base forms that a verb's form may come from, the likeliest first: "carrying" may be "carry", "dragged" "drag", "moves"
/// "move".
pub(crate) fn base_forms(word: &str) -> Vec<String> {
    let mut forms = vec![word.to_owned()];
    let irregular = match word {
        "took" | "taken" => "take",
        "brought" => "bring",
        "went" | "gone" => "go",
        "came" => "come",
        "held" => "hold",
        "laid" => "lay",
        "got" | "gotten" => "get",
        "stood" => "stand",
        "ran" => "run",
        "left" => "leave",
        "slid" | "slidden" => "slide",
        "swung" => "swing",
        "spun" => "spin",
        "gave" | "given" => "give",
        _ => "",
    };
    if !irregular.is_empty() {
        forms.push(irregular.to_owned());
    }
    for ending in ["ing", "ed"] {
        let Some(stem) = word.strip_suffix(ending) else {
            continue;
        };
        if stem.chars().count() < 2 {
            continue;
        }
        let last = stem.chars().next_back().unwrap_or_default();
        let halved = &stem[..stem.len() - last.len_utf8()];
        if halved.ends_with(last) {
            forms.push(halved.to_owned());
        }
        if ending == "ed" && last == 'i' {
            forms.push(format!("{halved}y"));
        }
        forms.push(stem.to_owned());
        forms.push(format!("{stem}e"));
    }
    if let Some(stem) = word.strip_suffix("ies") {
        forms.push(format!("{stem}y"));
    }
    if let Some(stem) = word.strip_suffix("es") {
        forms.push(stem.to_owned());
    }
    if let Some(stem) = word.strip_suffix('s') {
        forms.push(stem.to_owned());
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_lead_to_base_forms() {
        for (form, base) in [
            ("carrying", "carry"),
            ("dragged", "drag"),
            ("moves", "move"),
            ("moved", "move"),
            ("carried", "carry"),
            ("pushes", "push"),
            ("took", "take"),
        ] {
            assert!(base_forms(form).iter().any(|f| f == base), "{form}");
        }
    }
}
