//! A page that grows: markup is part of the program, everything else is escaped.

use std::fmt::{Display, Write as _};

/// HTML under construction. Only literals go in as they are; whatever else is escaped, so that no name of a file, clip or
/// model can become markup.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Adds markup.
    pub fn put(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text, inside an element or between the quotes of an attribute.
    pub fn text(&mut self, text: impl Display) -> &mut Self {
        // Writing into a string cannot fail.
        let _ = write!(Escaped(&mut self.0), "{text}");
        self
    }

    /// Adds a number of a drawing, to a hundredth of its unit; what is no number is drawn at 0.
    pub fn number(&mut self, value: f64) -> &mut Self {
        let value = if value.is_finite() { value } else { 0.0 };
        self.text((value * 100.0).round() / 100.0)
    }

    /// The page so far.
    pub fn finish(self) -> String {
        self.0
    }
}

struct Escaped<'a>(&'a mut String);

impl std::fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Neither HTML nor the SVG in it has a place for control characters.
                c if c.is_control() => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_literals_are_markup() {
        let mut html = Html::default();
        html.put("<b title=\"")
            .text("\"onload='x'")
            .put("\">")
            .text("</b><script>&\0\u{1b}")
            .put("</b>")
            .number(f64::NAN)
            .number(1.2345);
        assert_eq!(
            html.finish(),
            "<b title=\"&quot;onload=&#39;x&#39;\">&lt;/b&gt;&lt;script&gt;&amp;\u{fffd}\u{fffd}</b>01.23"
        );
    }
}
