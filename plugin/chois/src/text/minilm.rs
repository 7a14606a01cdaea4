//! all-MiniLM-L6-v2: a BERT of six layers whose averaged, normalised tokens are the sentence.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tch::{Kind, Tensor};
use tokenizers::{Tokenizer, TruncationParams};

use super::layers::{AttentionNames, LayerNorm, Linear, SelfAttention, embed};
use super::weights::Weights;
use super::{TextEncoder, check_text};
use crate::{Error, Result, error};

const WHAT: &str = "the MiniLM text encoder";
const REMEDY: &str = "run `cargo setup`, or set CHOIS_TEXT_ENCODER to a folder that holds its \
                      model.safetensors and tokenizer.json";

const WIDTH: i64 = 384;
const HEADS: i64 = 12;
const LAYERS: usize = 6;
const INNER: i64 = 1536;
const POSITIONS: i64 = 512;
/// The release's own choice, in LayerNorms of BERT.
const EPSILON: f64 = 1e-12;
/// Word pieces that are read of a sentence, \[CLS\] and \[SEP\] included (`max_seq_length` of the release).
const MAX_PIECES: usize = 256;

/// The sentence encoder all-MiniLM-L6-v2 (Wang et al. 2020; Reimers and Gurevych 2019): 384 numbers of unit length.
///
/// The shipped default: small (91 MB), freely licensed, 10 to 20 ms per sentence on two CPU cores. Text over
/// 256 word pieces is cut there. Lower and upper case, and accents, make no difference.
///
/// ```no_run
/// use chois::text::{MiniLm, TextEncoder};
/// # fn main() -> chois::Result<()> {
/// let encoder = MiniLm::load(&MiniLm::default_folder())?;
/// let vector = encoder.encode("Lift the floor lamp, move it and put it down.")?;
/// assert_eq!(vector.len(), 384);
/// # Ok(())
/// # }
/// ```
pub struct MiniLm {
    tokenizer: Tokenizer,
    tokenizer_path: PathBuf,
    words: Tensor,
    positions: Tensor,
    /// Row 0 of the token type table: a single sentence has no second part.
    token_type: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

impl MiniLm {
    /// The encoder's name, as recorded beside checkpoints.
    pub const NAME: &str = "all-MiniLM-L6-v2";

    /// Loads `model.safetensors` and `tokenizer.json` of a folder.
    ///
    /// # Errors
    /// [`Error::Missing`] where a file is not there, [`Error::Malformed`] naming the tensor where one is absent, has
    /// another shape or is not finite.
    pub fn load(folder: &Path) -> Result<Self> {
        let _no_grad = tch::no_grad_guard();
        let mut weights = Weights::open(&folder.join("model.safetensors"), WHAT, REMEDY)?;
        let tokenizer_path = folder.join("tokenizer.json");
        let tokenizer = load_tokenizer(&tokenizer_path)?;

        let [vocabulary, _] = weights.matrix_shape("embeddings.word_embeddings.weight")?;
        if tokenizer.get_vocab_size(true) as i64 > vocabulary {
            return Err(weights.malformed(format!(
                "tensor embeddings.word_embeddings.weight has {vocabulary} rows where the tokenizer beside it knows \
                 {} word pieces",
                tokenizer.get_vocab_size(true)
            )));
        }
        let words = weights.tensor("embeddings.word_embeddings.weight", &[vocabulary, WIDTH])?;
        let positions =
            weights.tensor("embeddings.position_embeddings.weight", &[POSITIONS, WIDTH])?;
        let token_type = weights
            .tensor("embeddings.token_type_embeddings.weight", &[2, WIDTH])?
            .f_select(0, 0)?;
        let norm = LayerNorm::load(&mut weights, "embeddings.LayerNorm", WIDTH, EPSILON)?;
        let layers = (0..LAYERS)
            .map(|i| Layer::load(&mut weights, &format!("encoder.layer.{i}")))
            .collect::<Result<_>>()?;
        Ok(Self {
            tokenizer,
            tokenizer_path,
            words,
            positions,
            token_type,
            norm,
            layers,
        })
    }

    /// Where the encoder's files are looked for.
    ///
    /// The folder of the environment variable `CHOIS_TEXT_ENCODER` where that is set. Otherwise the first of these
    /// that holds a `model.safetensors`: `minilm` beside the running program, `target/minilm` of this workspace,
    /// and the per-user cache (`$CHOIS_CACHE`, `$XDG_CACHE_HOME/bevy_chois` or `~/.cache/bevy_chois`) with
    /// `/minilm-0.1.0`, where `cargo setup` puts it. If none does, the last, for the error message of
    /// [`load`](Self::load).
    pub fn default_folder() -> PathBuf {
        let program = std::env::current_exe().ok();
        default_folder(|name| std::env::var_os(name), program.as_deref())
    }

    /// The word pieces of a sentence in their context, `[CLS]` and `[SEP]` included: the last hidden states, 384 numbers each,
    /// whose mean [`TextEncoder::encode`] makes unit length.
    ///
    /// # Errors
    /// Those of [`TextEncoder::encode`].
    pub fn pieces_in_context(&self, sentence: &str) -> Result<Vec<Vec<f32>>> {
        let _no_grad = tch::no_grad_guard();
        let values = Vec::<f32>::try_from(&self.hidden(sentence)?.f_reshape([-1])?)?;
        let rows = values.chunks_exact(WIDTH as usize);
        Ok(rows.map(<[f32]>::to_vec).collect())
    }

    /// Last hidden states (pieces, 384).
    fn hidden(&self, sentence: &str) -> Result<Tensor> {
        check_text(sentence)?;
        let ids = self.pieces(sentence)?;
        let x = embed(&self.words, &ids)?
            .f_add(&self.token_type)?
            .f_add(&self.positions.f_narrow(0, 0, ids.len() as i64)?)?;
        let mut x = self.norm.forward(&x)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        Ok(x)
    }

    /// Ids of the word pieces, [CLS] and [SEP] included.
    fn pieces(&self, sentence: &str) -> Result<Vec<i64>> {
        let malformed =
            |reason: String| Error::malformed(&self.tokenizer_path, "tokenizer", reason);
        let encoding = self
            .tokenizer
            .encode(sentence, true)
            .map_err(|e| malformed(e.to_string()))?;
        let ids: Vec<i64> = encoding.get_ids().iter().map(|&id| i64::from(id)).collect();
        // A foreign tokenizer.json may number its pieces with gaps or add none at all.
        let vocabulary = self.words.size()[0];
        if ids.is_empty() {
            return Err(malformed(
                "it makes no word pieces of a sentence; use the release's own".to_owned(),
            ));
        }
        if let Some(id) = ids.iter().find(|&&id| id >= vocabulary) {
            return Err(malformed(format!(
                "it makes word piece {id} where the model knows {vocabulary}; use the release's own"
            )));
        }
        Ok(ids)
    }
}

impl TextEncoder for MiniLm {
    fn dimension(&self) -> usize {
        WIDTH as usize
    }

    fn name(&self) -> &str {
        Self::NAME
    }

    fn encode(&self, sentence: &str) -> Result<Vec<f32>> {
        let _no_grad = tch::no_grad_guard();
        let x = self.hidden(sentence)?;
        // Sentences come one by one and unpadded, so the masked mean is the mean.
        let mean = x.f_mean_dim(0, false, Kind::Float)?;
        let length = mean.f_norm()?.f_clamp_min(1e-12)?;
        Ok(Vec::<f32>::try_from(&mean.f_div(&length)?)?)
    }
}

/// One layer of BERT (Devlin et al. 2019): attention, then two linear maps, each added and then normalised.
struct Layer {
    attention: SelfAttention,
    attention_norm: LayerNorm,
    inner: Linear,
    outer: Linear,
    output_norm: LayerNorm,
}

impl Layer {
    fn load(weights: &mut Weights, prefix: &str) -> Result<Self> {
        let names = AttentionNames {
            query: "self.query",
            key: "self.key",
            value: "self.value",
            output: "output.dense",
        };
        let attention = format!("{prefix}.attention");
        Ok(Self {
            attention: SelfAttention::load(weights, &attention, &names, WIDTH, HEADS)?,
            attention_norm: LayerNorm::load(
                weights,
                &format!("{attention}.output.LayerNorm"),
                WIDTH,
                EPSILON,
            )?,
            inner: Linear::load(
                weights,
                &format!("{prefix}.intermediate.dense"),
                WIDTH,
                INNER,
            )?,
            outer: Linear::load(weights, &format!("{prefix}.output.dense"), INNER, WIDTH)?,
            output_norm: LayerNorm::load(
                weights,
                &format!("{prefix}.output.LayerNorm"),
                WIDTH,
                EPSILON,
            )?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let attended = self.attention.forward(x, None)?;
        let x = self.attention_norm.forward(&attended.f_add(x)?)?;
        let inner = self.inner.forward(&x)?.f_gelu("none")?;
        self.output_norm
            .forward(&self.outer.forward(&inner)?.f_add(&x)?)
    }
}

fn load_tokenizer(path: &Path) -> Result<Tokenizer> {
    if !path.is_file() {
        return Err(Error::Missing {
            what: WHAT,
            path: path.to_owned(),
            remedy: REMEDY,
        });
    }
    let malformed = |e: tokenizers::Error| Error::malformed(path, "tokenizer", e);
    let mut tokenizer = Tokenizer::from_bytes(error::read(path)?).map_err(malformed)?;
    // The release's tokenizer.json pads and cuts to 128; its Python package overrides that, as is done here.
    tokenizer.with_padding(None);
    tokenizer
        .with_truncation(Some(TruncationParams {
            max_length: MAX_PIECES,
            ..TruncationParams::default()
        }))
        .map_err(malformed)?;
    Ok(tokenizer)
}

fn default_folder(variable: impl Fn(&str) -> Option<OsString>, program: Option<&Path>) -> PathBuf {
    let path = |name| variable(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(chosen) = path("CHOIS_TEXT_ENCODER") {
        return chosen;
    }
    let cache = path("CHOIS_CACHE")
        .or_else(|| path("XDG_CACHE_HOME").map(|cache| cache.join("bevy_chois")))
        .or_else(|| {
            path("HOME")
                .or_else(|| path("USERPROFILE"))
                .map(|home| home.join(".cache/bevy_chois"))
        })
        .unwrap_or_else(|| PathBuf::from(".cache/bevy_chois"))
        .join("minilm-0.1.0");
    let beside = program.and_then(Path::parent).map(|p| p.join("minilm"));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/minilm");
    beside
        .into_iter()
        .chain([workspace])
        .find(|folder| folder.join("model.safetensors").is_file())
        .unwrap_or(cache)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(variables: &[(&str, &str)], program: Option<&Path>) -> PathBuf {
        default_folder(
            |name| {
                variables
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| OsString::from(value))
            },
            program,
        )
    }

    #[test]
    fn the_users_choice_wins_even_where_it_is_wrong() {
        let chosen = folder(&[("CHOIS_TEXT_ENCODER", "/nowhere/at/all")], None);
        assert_eq!(chosen, Path::new("/nowhere/at/all"));
    }

    #[test]
    fn a_packaged_program_finds_the_folder_beside_it() {
        let place = std::env::temp_dir().join(format!("chois_minilm_{}", std::process::id()));
        std::fs::create_dir_all(place.join("minilm")).expect("a temporary folder");
        std::fs::write(place.join("minilm/model.safetensors"), b"").expect("a temporary file");
        let found = folder(&[("HOME", "/home/x")], Some(&place.join("game")));
        std::fs::remove_dir_all(&place).expect("the temporary folder goes");
        assert_eq!(found, place.join("minilm"));
    }

    #[test]
    fn the_cache_is_the_last_resort() {
        // A developer's own target/minilm may come first; the cache is then not asked.
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/minilm");
        if workspace.join("model.safetensors").is_file() {
            return;
        }
        let cases: [(&[(&str, &str)], &str); 3] = [
            (
                &[
                    ("CHOIS_CACHE", "/c"),
                    ("XDG_CACHE_HOME", "/x"),
                    ("HOME", "/h"),
                ],
                "/c/minilm-0.1.0",
            ),
            (
                &[
                    ("CHOIS_CACHE", ""),
                    ("XDG_CACHE_HOME", "/x"),
                    ("HOME", "/h"),
                ],
                "/x/bevy_chois/minilm-0.1.0",
            ),
            (&[("HOME", "/h")], "/h/.cache/bevy_chois/minilm-0.1.0"),
        ];
        for (variables, want) in cases {
            assert_eq!(folder(variables, None), Path::new(want));
        }
    }

    #[test]
    fn an_absent_folder_says_how_to_get_it() {
        let error = MiniLm::load(Path::new("/nowhere/at/all"))
            .err()
            .expect("no such folder");
        assert!(matches!(error, Error::Missing { .. }));
        assert!(error.to_string().contains("cargo setup"), "{error}");
    }
}
