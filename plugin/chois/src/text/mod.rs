//! Text encoders: a sentence becomes a vector (specification, section 4 "Language").
//!
//! Two encoders: [`MiniLm`], small, free and the one that the project's own checkpoints are trained with, and
//! [`ClipText`], the text tower of CLIP ViT-B/32 that the published checkpoints were trained with. A checkpoint
//! works only with the encoder it was trained with: compare [`TextEncoder::name`] and
//! [`TextEncoder::dimension`].
//!
//! Both run on the CPU in float32 and are deterministic.

mod clip_text;
mod layers;
mod minilm;
pub(crate) mod verb;
mod weights;

pub use clip_text::ClipText;
pub use minilm::MiniLm;

use crate::{Error, Result};

/// Longest text that is taken, in characters (Unicode scalar values). Encoders read far less of it.
pub const MAX_TEXT_CHARS: usize = 2000;

/// Turns a sentence into a vector of fixed length.
pub trait TextEncoder: Send {
    /// Length of the vectors that [`encode`](Self::encode) gives.
    fn dimension(&self) -> usize;

    /// Which encoder this is, as recorded beside the checkpoints that were trained with it.
    fn name(&self) -> &str;

    /// The vector of one sentence: [`dimension`](Self::dimension) finite numbers, the same every time.
    ///
    /// # Errors
    /// [`Error::Invalid`] with field `text` where the text is blank or longer than [`MAX_TEXT_CHARS`].
    fn encode(&self, sentence: &str) -> Result<Vec<f32>>;
}

/// Refuses text that no encoder should see.
fn check_text(text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid(
            "text",
            "is empty; say what to do, such as \"Lift the box and put it down.\"",
        ));
    }
    let length = text.chars().count();
    if length > MAX_TEXT_CHARS {
        return Err(Error::invalid(
            "text",
            format!("has {length} characters; shorten it to at most {MAX_TEXT_CHARS}"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_and_overlong_text_is_refused_by_name() {
        for blank in ["", "   ", "\n\t\u{3000}"] {
            let error = check_text(blank).expect_err("blank text");
            assert!(matches!(&error, Error::Invalid { field, .. } if field == "text"));
        }
        // Characters count, not bytes: 2,000 of three bytes each are fine.
        check_text(&"猫".repeat(MAX_TEXT_CHARS)).expect("exactly the limit");
        let error = check_text(&"a".repeat(2001)).expect_err("one too many");
        let message = error.to_string();
        assert!(
            message.contains("2001") && message.contains("2000"),
            "{message}"
        );
    }
}
