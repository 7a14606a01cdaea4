//! Files of `torch.save`: a zip archive with a pickle (`*/data.pkl`) and one entry for each storage (`*/data/N`),
//! none of them compressed.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use tch::{Kind, Tensor};
use zip::{CompressionMethod, ZipArchive};

use super::pickle::{Global, Id, Node, Pickle, ScalarType};
use crate::{Error, Result};

const KIND: &str = "PyTorch file";
/// Most bytes of the pickle; the official checkpoint's has 60 KB.
const MAX_PICKLE: u64 = 32 << 20;
const REMEDY: &str =
    "save it again with a recent PyTorch: torch.save(torch.load(old, weights_only=True), new)";

/// An opened file. The pickle is read separately, since [`Pickle`] borrows from it.
pub struct TorchArchive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Folder inside the archive, with its slash.
    folder: String,
    big_endian: bool,
    /// Bytes of the whole file.
    length: u64,
    /// Bytes of tensors that may still be made: tensors may share storages, but not without end.
    budget: usize,
    /// Bytes of storages that may yet be read: tensors may share one, but not a thousand.
    reading: u64,
    path: PathBuf,
}

impl<'a> TorchArchive<'a> {
    /// Opens the archive; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is no zip archive (older forms are named, with the remedy) or has no pickle.
    pub fn open(bytes: &'a [u8], path: &Path) -> Result<Self> {
        let failed = |reason: String| Error::malformed(path, KIND, reason);
        // Formats before PyTorch 1.6: a tar archive, then a pickle that starts with a magic number.
        if bytes.get(257..262) == Some(b"ustar") {
            return Err(failed(format!("it is of the old tar form; {REMEDY}")));
        }
        if matches!(bytes, [0x80, 2..=5, ..]) {
            return Err(failed(format!(
                "it is a bare pickle, the form before PyTorch 1.6; {REMEDY}"
            )));
        }
        let zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|e| failed(format!("no zip archive of torch.save, or cut off ({e})")))?;
        let folders: Vec<String> = zip
            .file_names()
            .filter_map(|n| Some(n.ok()?.strip_suffix("data.pkl")?.to_owned()))
            .filter(|f| f.ends_with('/') && f.matches('/').count() == 1)
            .collect();
        let [folder] = folders.as_slice() else {
            return Err(failed(
                "it is a zip archive, but without the one data.pkl of torch.save".to_owned(),
            ));
        };
        let mut archive = Self {
            big_endian: false,
            budget: bytes.len().saturating_mul(4),
            reading: (bytes.len() as u64).saturating_mul(16),
            folder: folder.clone(),
            path: path.to_owned(),
            length: bytes.len() as u64,
            zip,
        };
        archive.big_endian = match archive.entry("byteorder", 16).map_err(failed)? {
            None => false,
            Some(order) => match order.as_slice() {
                b"little" => false,
                b"big" => true,
                _ => return Err(failed("its byteorder is neither little nor big".to_owned())),
            },
        };
        Ok(archive)
    }

    /// Bytes of the pickle, for [`Pickle::parse`].
    pub fn pickle(&mut self) -> Result<Vec<u8>> {
        self.entry("data.pkl", MAX_PICKLE)
            .and_then(|bytes| bytes.ok_or_else(|| "data.pkl is missing".to_owned()))
            .map_err(|reason| Error::malformed(&self.path, KIND, reason))
    }

    /// The tensor at `id` of the archive's pickle, on the CPU, contiguous, in its own type; `name` is for messages.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the value is no dense tensor, or reaches beyond its storage.
    pub fn tensor(&mut self, pickle: &Pickle<'_>, id: Id, name: &str) -> Result<Tensor> {
        self.read_tensor(pickle, id)
            .map_err(|reason| Error::malformed(&self.path, KIND, format!("{name}: {reason}")))
    }

    fn read_tensor(&mut self, pickle: &Pickle<'_>, id: Id) -> Result<Tensor, String> {
        let description = Description::read(pickle, id)?;
        let bytes = self.gather(&description)?;
        let shape: Vec<i64> = description.shape.iter().map(|d| *d as i64).collect();
        Tensor::f_from_data_size(&bytes, &shape, kind(description.scalar))
            .map_err(|e| format!("libtorch: {e}"))
    }

    /// The tensor's bytes, row-major, little-endian.
    fn gather(&mut self, tensor: &Description<'_>) -> Result<Vec<u8>, String> {
        let size = tensor.scalar.size();
        let count = tensor
            .shape
            .iter()
            .try_fold(1_usize, |n, d| n.checked_mul(*d));
        let length = count
            .and_then(|n| n.checked_mul(size))
            .filter(|n| *n <= self.budget)
            .ok_or_else(|| format!("shape {:?} is larger than the file allows", tensor.shape))?;
        self.budget -= length;
        if length == 0 {
            return Ok(Vec::new());
        }
        let storage = self
            .entry(&format!("data/{}", tensor.key), u64::MAX)?
            .ok_or_else(|| format!("its storage data/{} is missing", tensor.key))?;
        let outside = || {
            format!(
                "shape {:?} with strides {:?} from {} on reaches beyond the {} bytes of storage data/{}",
                tensor.shape,
                tensor.strides,
                tensor.offset,
                storage.len(),
                tensor.key
            )
        };
        let last = tensor
            .shape
            .iter()
            .zip(&tensor.strides)
            .try_fold(tensor.offset, |at, (d, s)| {
                at.checked_add((d - 1).checked_mul(*s)?)
            })
            .and_then(|last| last.checked_add(1)?.checked_mul(size));
        if last.is_none_or(|end| end > storage.len()) {
            return Err(outside());
        }
        let mut out = Vec::with_capacity(length);
        if tensor.contiguous() {
            let start = tensor.offset * size;
            out.extend_from_slice(&storage[start..start + length]);
        } else {
            let mut index = vec![0; tensor.shape.len()];
            while out.len() < length {
                let at: usize = index.iter().zip(&tensor.strides).map(|(i, s)| i * s).sum();
                let start = (tensor.offset + at) * size;
                out.extend_from_slice(&storage[start..start + size]);
                for (i, d) in index.iter_mut().zip(&tensor.shape).rev() {
                    *i += 1;
                    if *i < *d {
                        break;
                    }
                    *i = 0;
                }
            }
        }
        if self.big_endian {
            out.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Ok(out)
    }

    /// A whole entry of the archive's folder, checked against its checksum; `None` when there is none of this name.
    fn entry(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
        let mut entry = match self.zip.by_name(&format!("{}{name}", self.folder)) {
            Ok(entry) => entry,
            Err(zip::result::ZipError::FileNotFound) => return Ok(None),
            Err(e) => return Err(format!("{name} is damaged ({e})")),
        };
        if entry.compression() != CompressionMethod::Stored {
            return Err(format!(
                "{name} is compressed, which torch.save does not do; {REMEDY}"
            ));
        }
        let limit = limit.min(self.length);
        if entry.size() > limit {
            return Err(format!(
                "{name} claims {} bytes, at most {limit} can be",
                entry.size()
            ));
        }
        self.reading = self
            .reading
            .checked_sub(entry.size())
            .ok_or_else(|| format!("{name} and others are asked for again and again; {REMEDY}"))?;
        let mut out = Vec::with_capacity(entry.size() as usize);
        entry
            .by_ref()
            .take(limit + 1)
            .read_to_end(&mut out)
            .map_err(|e| format!("{name} is damaged or cut off ({e})"))?;
        Ok(Some(out))
    }
}

/// A tensor as the pickle describes it.
struct Description<'p> {
    scalar: ScalarType,
    key: &'p str,
    /// In numbers, as the strides.
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl<'p> Description<'p> {
    fn read(pickle: &Pickle<'p>, id: Id) -> Result<Self, String> {
        let arguments = |id: Id| match pickle.node(id) {
            Node::Object {
                global, arguments, ..
            } => pickle.tuple(*arguments).map(|a| (*global, a)),
            _ => None,
        };
        let no_tensor = || format!("{}, expected a tensor", pickle.kind(id));
        let (mut global, mut items) = arguments(id).ok_or_else(no_tensor)?;
        if global == Global::RebuildParameter {
            let inner = *items.first().ok_or_else(no_tensor)?;
            (global, items) = arguments(inner).ok_or_else(no_tensor)?;
        }
        // Arguments: storage, offset, shape, strides, requires_grad, hooks and, lately, metadata.
        let (Global::RebuildTensor, [storage, offset, shape, strides, ..]) = (global, items) else {
            return Err(no_tensor());
        };
        let Node::Persistent(storage) = pickle.node(*storage) else {
            return Err("the tensor has no storage".to_owned());
        };
        // Storage: ("storage", class, key, device, numbers).
        let parts = pickle.tuple(*storage).unwrap_or(&[]);
        let [label, class, key, ..] = parts else {
            return Err("the tensor's storage is damaged".to_owned());
        };
        let (Some("storage"), Node::Global(Global::Storage(scalar)), Some(key)) =
            (pickle.text(*label), pickle.node(*class), pickle.text(*key))
        else {
            return Err("the tensor's storage is damaged".to_owned());
        };
        if key.is_empty() || key.len() > 20 || !key.bytes().all(|b| b.is_ascii_digit()) {
            return Err("the tensor's storage has no number".to_owned());
        }
        let offset = pickle.int(*offset).and_then(|o| usize::try_from(o).ok());
        let (Some(offset), Some(shape), Some(strides)) =
            (offset, pickle.sizes(*shape), pickle.sizes(*strides))
        else {
            return Err("the tensor's offset, shape or strides are no sizes".to_owned());
        };
        if shape.len() != strides.len() {
            return Err(format!(
                "the tensor has {} axes but {} strides",
                shape.len(),
                strides.len()
            ));
        }
        Ok(Self {
            scalar: *scalar,
            key,
            offset,
            shape,
            strides,
        })
    }

    fn contiguous(&self) -> bool {
        let mut stride = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(d, s)| {
            let fits = *d == 1 || *s == stride;
            stride *= d;
            fits
        })
    }
}

fn kind(scalar: ScalarType) -> Kind {
    match scalar {
        ScalarType::F16 => Kind::Half,
        ScalarType::Bf16 => Kind::BFloat16,
        ScalarType::F32 => Kind::Float,
        ScalarType::F64 => Kind::Double,
        ScalarType::I8 => Kind::Int8,
        ScalarType::I16 => Kind::Int16,
        ScalarType::I32 => Kind::Int,
        ScalarType::I64 => Kind::Int64,
        ScalarType::U8 => Kind::Uint8,
        ScalarType::Bool => Kind::Bool,
    }
}
