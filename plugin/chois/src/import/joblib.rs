//! Files of `joblib.dump`: a pickle in which the bytes of every array follow the array's wrapper, plain or in one
//! zlib or gzip stream.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::read::{GzDecoder, ZlibDecoder};

use super::numpy;
use super::pickle::{Global, Id, Node, Pickle};
use crate::{Error, Result};

const KIND: &str = "joblib file";
/// Most bytes of a file after decompression. The official statistics have some thousands.
const MAX_BYTES: u64 = 256 << 20;

/// An array from a joblib file.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Size of each axis.
    pub shape: Vec<usize>,
    /// The numbers, row-major.
    pub values: Vec<f64>,
}

/// Arrays of a joblib file that holds one dictionary; keys that are not in `keys` are left out, keys that are not
/// in the file are missing from the result. `path` is for messages.
///
/// # Errors
/// [`Error::Malformed`] when the file is cut off, packed in another way, larger than 256 MB, no dictionary, or a
/// wanted entry is no array of numbers.
pub fn read_arrays(bytes: &[u8], keys: &[&str], path: &Path) -> Result<BTreeMap<String, Array>> {
    let bytes = unpack(bytes).map_err(|reason| Error::malformed(path, KIND, reason))?;
    arrays(&bytes, keys).map_err(|reason| Error::malformed(path, KIND, reason))
}

fn unpack(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let mut out = Vec::new();
    let read = match bytes {
        [0x78, ..] => ZlibDecoder::new(bytes)
            .take(MAX_BYTES + 1)
            .read_to_end(&mut out),
        [0x1f, 0x8b, ..] => GzDecoder::new(bytes)
            .take(MAX_BYTES + 1)
            .read_to_end(&mut out),
        [b'B', b'Z', ..] | [0xfd, b'7', ..] | [0x5d, 0, ..] | [0x04, 0x22, 0x4d, 0x18, ..] => {
            return Err(
                "it is packed with bzip2, lzma, xz or lz4; load it in Python and save it with joblib.dump without \
                 compression"
                    .to_owned(),
            );
        }
        [b'P', b'K', ..] => {
            return Err(
                "it is a zip archive, as torch.save writes it, not a file of joblib.dump".into(),
            );
        }
        [] => return Err("it is empty".to_owned()),
        _ => return Ok(Cow::Borrowed(bytes)),
    };
    read.map_err(|e| format!("its compressed data are damaged or cut off ({e})"))?;
    if out.len() as u64 > MAX_BYTES {
        return Err(format!(
            "it unpacks to more than {} MB; statistics are some kilobytes",
            MAX_BYTES >> 20
        ));
    }
    Ok(Cow::Owned(out))
}

fn arrays(bytes: &[u8], keys: &[&str]) -> Result<BTreeMap<String, Array>, String> {
    let pickle = Pickle::read(bytes, Some(locate))?;
    let root = pickle.root();
    if !matches!(pickle.node(root), Node::Dict(_)) {
        return Err(format!(
            "it holds {}; expected a dictionary of arrays",
            pickle.kind(root)
        ));
    }
    let mut out = BTreeMap::new();
    for key in keys {
        if let Some(id) = pickle.get(root, key) {
            let array = array(&pickle, id).map_err(|reason| format!("entry {key}: {reason}"))?;
            out.insert((*key).to_owned(), array);
        }
    }
    Ok(out)
}

/// Shape, type and whether the first axis runs fastest.
fn layout(pickle: &Pickle<'_>, state: Id) -> Result<(Vec<usize>, numpy::DType, bool), String> {
    let field = |name: &str| {
        pickle
            .get(state, name)
            .ok_or_else(|| format!("an array's wrapper lacks its {name}"))
    };
    let shape = pickle
        .sizes(field("shape")?)
        .ok_or("an array's shape is no tuple of at most 16 sizes")?;
    let dtype = numpy::dtype(pickle, field("dtype")?)?;
    let fortran = pickle.text(field("order")?) == Some("F");
    Ok((shape, dtype, fortran))
}

/// Where the bytes of a wrapped array lie: newer files say the alignment and put one byte that counts the padding,
/// then the padding.
fn locate(pickle: &Pickle<'_>, state: Id, rest: &[u8]) -> Result<(usize, usize), String> {
    let (shape, dtype, _) = layout(pickle, state)?;
    let length = numpy::byte_length(&shape, dtype)
        .ok_or_else(|| format!("an array's shape {shape:?} is too large"))?;
    let aligned = pickle
        .get(state, "numpy_array_alignment_bytes")
        .is_some_and(|a| *pickle.node(a) != Node::None);
    let skip = match (aligned, rest.first()) {
        (false, _) => 0,
        (true, Some(padding)) => 1 + usize::from(*padding),
        (true, None) => return Err("it ends early: an array's bytes are missing".to_owned()),
    };
    if rest.len().saturating_sub(skip) < length {
        return Err(format!(
            "it ends early: an array of shape {shape:?} needs {length} bytes, {} are left",
            rest.len().saturating_sub(skip)
        ));
    }
    Ok((skip, length))
}

/// An array: joblib's, or one that was pickled whole.
fn array(pickle: &Pickle<'_>, id: Id) -> Result<Array, String> {
    let Node::Object {
        global,
        state: Some(state),
        inline,
        ..
    } = pickle.node(id)
    else {
        return Err(format!("{}, expected an array", pickle.kind(id)));
    };
    let (shape, dtype, fortran, data) = match (global, inline) {
        (Global::ArrayWrapper, Some(data)) => {
            let (shape, dtype, fortran) = layout(pickle, *state)?;
            (shape, dtype, fortran, *data)
        }
        (Global::Reconstruct, _) => {
            // State: (version, shape, dtype, first axis runs fastest, bytes).
            let Some([_, shape, dtype, fortran, data]) = pickle.tuple(*state) else {
                return Err("the array's state is damaged".to_owned());
            };
            let shape = pickle
                .sizes(*shape)
                .ok_or("the array's shape is no tuple of at most 16 sizes")?;
            let dtype = numpy::dtype(pickle, *dtype)?;
            let fortran = *pickle.node(*fortran) == Node::Bool(true);
            let data: &[u8] = match pickle.node(*data) {
                Node::Bytes(bytes) => bytes,
                Node::Text(text) => text.as_bytes(),
                _ => return Err("the array's numbers are no bytes".to_owned()),
            };
            (shape, dtype, fortran, data)
        }
        _ => return Err(format!("{}, expected an array", pickle.kind(id))),
    };
    // A state can be changed after the wrapper was read.
    if numpy::byte_length(&shape, dtype) != Some(data.len()) {
        return Err(format!(
            "an array of shape {shape:?} does not have {} bytes",
            data.len()
        ));
    }
    Ok(Array {
        values: numpy::numbers(data, &shape, dtype, fortran),
        shape,
    })
}
