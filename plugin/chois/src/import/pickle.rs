//! A restricted reader of Python pickles (protocols 2 to 5).
//!
//! A pickle is a program for a stack machine. This one has the instructions that PyTorch, NumPy and joblib emit for
//! data, and no way to call anything: names are looked up in [`Global`], "calls" become [`Node::Object`]s that other
//! modules interpret. Values live in one flat table and refer to each other by index, so neither depth nor cycles
//! can overflow the stack; time and memory are proportional to the file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use crate::{Error, Result};

/// Most values in one pickle. The official checkpoint has some thousands.
const MAX_NODES: usize = 2_000_000;

/// Type of the numbers in a tensor or an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarType {
    /// `float16`.
    F16,
    /// `bfloat16`.
    Bf16,
    /// `float32`.
    F32,
    /// `float64`.
    F64,
    /// `int8`.
    I8,
    /// `int16`.
    I16,
    /// `int32`.
    I32,
    /// `int64`.
    I64,
    /// `uint8`.
    U8,
    /// `bool`.
    Bool,
}

impl ScalarType {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }
}

/// The names that a pickle may mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `_codecs.encode`: how protocol 2 writes bytes.
    Encode,
    /// `torch._utils._rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch.FloatStorage` and its like.
    Storage(ScalarType),
    /// `numpy.ndarray`.
    NdArray,
    /// `numpy.dtype`.
    DType,
    /// `numpy.core.multiarray._reconstruct`.
    Reconstruct,
    /// `numpy.core.multiarray.scalar`.
    Scalar,
    /// `joblib.numpy_pickle.NumpyArrayWrapper`: the array's bytes follow in the file.
    ArrayWrapper,
}

impl Global {
    fn find(module: &str, name: &str) -> Option<Self> {
        use ScalarType::*;
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("_codecs", "encode") => Self::Encode,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch", "HalfStorage") => Self::Storage(F16),
            ("torch", "BFloat16Storage") => Self::Storage(Bf16),
            ("torch", "FloatStorage") => Self::Storage(F32),
            ("torch", "DoubleStorage") => Self::Storage(F64),
            ("torch", "CharStorage") => Self::Storage(I8),
            ("torch", "ShortStorage") => Self::Storage(I16),
            ("torch", "IntStorage") => Self::Storage(I32),
            ("torch", "LongStorage") => Self::Storage(I64),
            ("torch", "ByteStorage") => Self::Storage(U8),
            ("torch", "BoolStorage") => Self::Storage(Bool),
            ("numpy", "ndarray") => Self::NdArray,
            ("numpy", "dtype") => Self::DType,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Self::Reconstruct
            }
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Self::Scalar,
            ("joblib.numpy_pickle", "NumpyArrayWrapper") => Self::ArrayWrapper,
            _ => return None,
        })
    }

    /// Whether it may stand in a call.
    fn callable(self) -> bool {
        !matches!(self, Self::Storage(_) | Self::NdArray)
    }
}

/// Index of a value in its [`Pickle`].
pub type Id = u32;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number of at most 64 bits.
    Int(i64),
    /// A number.
    Float(f64),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Text.
    Text(&'a str),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A list.
    List(Vec<Id>),
    /// A dictionary (ordered or not) in the order of insertion; of equal keys the last counts.
    Dict(Vec<(Id, Id)>),
    /// A name.
    Global(Global),
    /// What the container of the pickle keeps outside of it; for PyTorch a tuple that names a storage.
    Persistent(Id),
    /// What a call of this name would have made.
    Object {
        /// The name.
        global: Global,
        /// Its arguments, a tuple.
        arguments: Id,
        /// What Python would have passed to `__setstate__`.
        state: Option<Id>,
        /// Bytes that stand in the file behind the object (joblib's arrays).
        inline: Option<&'a [u8]>,
    },
}

/// Tells where the bytes of an array lie that follow in the file behind its wrapper, given the values so far, the
/// wrapper's state and the rest of the file: bytes to leave out, then the array's bytes.
pub(super) type Inline = fn(&Pickle<'_>, Id, &[u8]) -> Result<(usize, usize), String>;

/// The values of one pickle.
#[derive(Debug)]
pub struct Pickle<'a> {
    nodes: Vec<Node<'a>>,
    root: Id,
}

impl<'a> Pickle<'a> {
    /// Reads a pickle; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is cut off, uses an instruction or a name that data does not need (it is named),
    /// or holds more than 2,000,000 values.
    pub fn parse(bytes: &'a [u8], path: &Path) -> Result<Self> {
        Self::read(bytes, None).map_err(|reason| Error::malformed(path, "pickle", reason))
    }

    /// The same, with arrays that follow their wrappers.
    pub(super) fn read(bytes: &'a [u8], inline: Option<Inline>) -> Result<Self, String> {
        Machine {
            bytes,
            at: 0,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            pickle: Pickle {
                nodes: Vec::new(),
                root: 0,
            },
            inline,
            // Bytes that are copied; data that refers to itself must not grow beyond its file.
            budget: 2 * bytes.len(),
        }
        .run()
    }

    /// The value that the pickle is about.
    pub fn root(&self) -> Id {
        self.root
    }

    /// Indices of all values, in the order in which they were made.
    pub fn ids(&self) -> std::ops::Range<Id> {
        0..self.nodes.len() as Id
    }

    /// A value. Indices come from this pickle; any other gives `None`.
    pub fn node(&self, id: Id) -> &Node<'a> {
        self.nodes.get(id as usize).unwrap_or(&Node::None)
    }

    /// The value of a dictionary's text key.
    pub fn get(&self, dict: Id, key: &str) -> Option<Id> {
        let Node::Dict(pairs) = self.node(dict) else {
            return None;
        };
        let found = pairs.iter().rev().find(|(k, _)| self.text(*k) == Some(key));
        found.map(|(_, v)| *v)
    }

    /// Text keys of a dictionary with their values; other keys are left out.
    pub fn entries(&self, dict: Id) -> impl Iterator<Item = (&'a str, Id)> + '_ {
        let pairs = match self.node(dict) {
            Node::Dict(pairs) => pairs.as_slice(),
            _ => &[],
        };
        pairs
            .iter()
            .filter_map(|(k, v)| self.text(*k).map(|k| (k, *v)))
    }

    /// A text.
    pub fn text(&self, id: Id) -> Option<&'a str> {
        match self.node(id) {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    pub fn int(&self, id: Id) -> Option<i64> {
        match self.node(id) {
            Node::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The items of a tuple.
    pub fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.node(id) {
            Node::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// A tuple of at most 16 sizes, none of them negative.
    pub(super) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.tuple(id)
            .filter(|items| items.len() <= 16)?
            .iter()
            .map(|i| self.int(*i).and_then(|v| usize::try_from(v).ok()))
            .collect()
    }

    /// What kind of value it is, for messages.
    pub(super) fn kind(&self, id: Id) -> &'static str {
        match self.node(id) {
            Node::None => "nothing",
            Node::Bool(_) => "a truth value",
            Node::Int(_) => "a whole number",
            Node::Float(_) => "a number",
            Node::Bytes(_) => "bytes",
            Node::Text(_) => "text",
            Node::Tuple(_) => "a tuple",
            Node::List(_) => "a list",
            Node::Dict(_) => "a dictionary",
            Node::Global(_) => "a name",
            Node::Persistent(_) => "a storage",
            Node::Object { global, .. } => match global {
                Global::RebuildTensor | Global::RebuildParameter => "a tensor",
                Global::Reconstruct | Global::ArrayWrapper => "an array",
                _ => "an object",
            },
        }
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    pickle: Pickle<'a>,
    inline: Option<Inline>,
    budget: usize,
}

const UNDERFLOW: &str = "the pickle is damaged: an instruction lacks its operands";

impl<'a> Machine<'a> {
    fn run(mut self) -> Result<Pickle<'a>, String> {
        match self.take(2)? {
            [0x80, 2..=5] => {}
            [0x80, version] => {
                return Err(format!(
                    "pickle protocol {version}; protocols 2 to 5 are read"
                ));
            }
            _ => return Err("it is no pickle of protocol 2 to 5".to_owned()),
        }
        loop {
            let at = self.at;
            let instruction = self.byte()?;
            if instruction == b'.' {
                self.pickle.root = self.pop()?;
                return Ok(self.pickle);
            }
            self.step(instruction, at)?;
        }
    }

    fn step(&mut self, instruction: u8, at: usize) -> Result<(), String> {
        match instruction {
            0x80 => {
                self.byte()?;
            }
            // A frame is only a hint about buffering.
            0x95 => {
                self.take(8)?;
            }
            b'(' => self.marks.push(self.stack.len()),
            b'0' => {
                self.pop()?;
            }
            b'1' => {
                self.pop_mark()?;
            }
            b'N' => self.push(Node::None)?,
            0x88 => self.push(Node::Bool(true))?,
            0x89 => self.push(Node::Bool(false))?,
            b'K' => {
                let value = self.byte()?;
                self.push(Node::Int(value.into()))?;
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?);
                self.push(Node::Int(value.into()))?;
            }
            b'J' => {
                let value = i32::from_le_bytes(self.array()?);
                self.push(Node::Int(value.into()))?;
            }
            0x8a => {
                let length = self.byte()?.into();
                self.long(length)?;
            }
            0x8b => {
                let length = self.length4()?;
                self.long(length)?;
            }
            b'G' => {
                let value = f64::from_be_bytes(self.array()?);
                self.push(Node::Float(value))?;
            }
            b'C' => {
                let length = self.byte()?.into();
                self.push_bytes(length)?;
            }
            b'B' => {
                let length = self.length4()?;
                self.push_bytes(length)?;
            }
            0x8e | 0x96 => {
                let length = self.length8()?;
                self.push_bytes(length)?;
            }
            0x8c | b'U' => {
                let length = self.byte()?.into();
                self.push_text(length)?;
            }
            b'X' | b'T' => {
                let length = self.length4()?;
                self.push_text(length)?;
            }
            0x8d => {
                let length = self.length8()?;
                self.push_text(length)?;
            }
            b']' => self.push(Node::List(Vec::new()))?,
            b'a' => {
                let item = self.pop()?;
                self.extend_list(vec![item])?;
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.extend_list(items)?;
            }
            b')' => self.push(Node::Tuple(Vec::new()))?,
            b't' => {
                let items = self.pop_mark()?;
                self.push(Node::Tuple(items))?;
            }
            0x85..=0x87 => {
                let count = usize::from(instruction - 0x84);
                let first = self.floor(count)?;
                let items = self.stack.split_off(first);
                self.push(Node::Tuple(items))?;
            }
            b'}' => self.push(Node::Dict(Vec::new()))?,
            b's' => {
                let first = self.floor(2)?;
                let items = self.stack.split_off(first);
                self.extend_dict(&items)?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.extend_dict(&items)?;
            }
            b'h' => {
                let key = self.byte()?.into();
                self.recall(key)?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.array()?);
                self.recall(key)?;
            }
            b'q' => {
                let key = self.byte()?.into();
                self.remember(key)?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.array()?);
                self.remember(key)?;
            }
            0x94 => {
                // Keys cannot run out: the memo has at most one entry for each instruction read.
                let key = self.memo.len() as u32;
                self.remember(key)?;
            }
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.global(module, name)?;
            }
            0x93 => {
                let name = self.pop()?;
                let module = self.pop()?;
                match (self.pickle.text(module), self.pickle.text(name)) {
                    (Some(module), Some(name)) => self.global(module, name)?,
                    _ => return Err(UNDERFLOW.to_owned()),
                }
            }
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let callee = self.pop()?;
                self.call(callee, arguments)?;
            }
            b'b' => {
                let state = self.pop()?;
                self.build(state)?;
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Node::Persistent(id))?;
            }
            other => {
                return Err(format!(
                    "instruction 0x{other:02x} at byte {at} is not one that checkpoints need; the file is damaged or \
                     not a checkpoint"
                ));
            }
        }
        Ok(())
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..n).ok_or_else(|| {
            format!(
                "it ends early: {n} bytes are expected at byte {}, {} are left",
                self.at,
                rest.len()
            )
        })?;
        self.at += n;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.array::<1>()?[0])
    }

    fn length4(&mut self) -> Result<usize, String> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn length8(&mut self) -> Result<usize, String> {
        usize::try_from(u64::from_le_bytes(self.array()?))
            .map_err(|_| "it holds a piece that is larger than this machine's memory".to_owned())
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest = &self.bytes[self.at..];
        let length = rest
            .iter()
            .take(1024)
            .position(|b| *b == b'\n')
            .ok_or("the pickle is damaged: a name has no end")?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length])
            .map_err(|_| "the pickle is damaged: a name is not text".to_owned())
    }

    fn spend(&mut self, n: usize) -> Result<(), String> {
        self.budget = self
            .budget
            .checked_sub(n)
            .ok_or("its values are larger than the file allows; it was not made by torch.save or joblib.dump")?;
        Ok(())
    }

    fn new_node(&mut self, node: Node<'a>) -> Result<Id, String> {
        let id = self.pickle.nodes.len();
        if id >= MAX_NODES {
            return Err(format!(
                "it holds more than {MAX_NODES} values; no checkpoint does"
            ));
        }
        self.pickle.nodes.push(node);
        Ok(id as Id)
    }

    fn push(&mut self, node: Node<'a>) -> Result<(), String> {
        let id = self.new_node(node)?;
        self.stack.push(id);
        Ok(())
    }

    fn push_bytes(&mut self, length: usize) -> Result<(), String> {
        let bytes = self.take(length)?;
        self.push(Node::Bytes(Cow::Borrowed(bytes)))
    }

    fn push_text(&mut self, length: usize) -> Result<(), String> {
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push(Node::Text(text)),
            // Python 2 wrote arrays' bytes as strings.
            Err(_) => self.push(Node::Bytes(Cow::Borrowed(bytes))),
        }
    }

    /// A whole number of this many bytes, two's complement.
    fn long(&mut self, length: usize) -> Result<(), String> {
        let bytes = self.take(length)?;
        if length > 8 {
            return Err("it holds a whole number of more than 64 bits".to_owned());
        }
        let sign = if bytes.last().is_some_and(|b| b & 0x80 != 0) {
            0xff
        } else {
            0
        };
        let mut wide = [sign; 8];
        wide[..length].copy_from_slice(bytes);
        self.push(Node::Int(i64::from_le_bytes(wide)))
    }

    /// Index on the stack of the lowest of `count` operands, which lie above the last mark.
    fn floor(&self, count: usize) -> Result<usize, String> {
        let bottom = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(first) if first >= bottom => Ok(first),
            _ => Err(UNDERFLOW.to_owned()),
        }
    }

    fn pop(&mut self) -> Result<Id, String> {
        let first = self.floor(1)?;
        Ok(self.stack.split_off(first)[0])
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or(UNDERFLOW)?;
        Ok(self.stack.split_off(mark))
    }

    fn top(&self) -> Result<Id, String> {
        Ok(self.stack[self.floor(1)?])
    }

    fn remember(&mut self, key: u32) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), String> {
        let id = *self
            .memo
            .get(&key)
            .ok_or("the pickle is damaged: it refers to a value that was never made")?;
        self.stack.push(id);
        Ok(())
    }

    fn top_node(&mut self) -> Result<&mut Node<'a>, String> {
        let top = self.top()?;
        Ok(&mut self.pickle.nodes[top as usize])
    }

    fn extend_list(&mut self, items: Vec<Id>) -> Result<(), String> {
        match self.top_node()? {
            Node::List(list) => list.extend(items),
            _ => return Err("the pickle is damaged: items are added to what is no list".to_owned()),
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[Id]) -> Result<(), String> {
        let Node::Dict(pairs) = self.top_node()? else {
            return Err(
                "the pickle is damaged: entries are added to what is no dictionary".to_owned(),
            );
        };
        if !items.len().is_multiple_of(2) {
            return Err(UNDERFLOW.to_owned());
        }
        pairs.extend(items.chunks_exact(2).map(|p| (p[0], p[1])));
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), String> {
        let global = Global::find(module, name).ok_or_else(|| {
            let shown: String = format!("{module}.{name}")
                .chars()
                .take(120)
                .flat_map(char::escape_default)
                .collect();
            format!(
                "it asks for {shown}, which is not among the names that checkpoints need; nothing was run. If you \
                 trust the file, save its tensors again with torch.save or joblib.dump"
            )
        })?;
        self.push(Node::Global(global))
    }

    fn call(&mut self, callee: Id, arguments: Id) -> Result<(), String> {
        let Some(items) = self.pickle.tuple(arguments) else {
            return Err("the pickle is damaged: a call's arguments are no tuple".to_owned());
        };
        let Node::Global(global) = *self.pickle.node(callee) else {
            return Err("the pickle is damaged: it calls what is no name".to_owned());
        };
        if !global.callable() {
            return Err(format!(
                "it calls {global:?}, which checkpoints do not do; nothing was run"
            ));
        }
        let node = match (global, items) {
            (Global::OrderedDict, []) => Node::Dict(Vec::new()),
            (Global::OrderedDict, _) => {
                return Err(
                    "it makes an OrderedDict from arguments, which torch.save does not".into(),
                );
            }
            (Global::Encode, [text, encoding]) => {
                let (Some(text), Some("latin1" | "latin-1" | "iso-8859-1")) =
                    (self.pickle.text(*text), self.pickle.text(*encoding))
                else {
                    return Err("it encodes what is no text, or not as latin1".to_owned());
                };
                self.spend(text.len())?;
                let bytes = text
                    .chars()
                    .map(|c| u8::try_from(u32::from(c)))
                    .collect::<Result<Vec<u8>, _>>()
                    .map_err(|_| "it encodes letters as latin1 that latin1 lacks")?;
                Node::Bytes(Cow::Owned(bytes))
            }
            (Global::Encode, _) => return Err(UNDERFLOW.to_owned()),
            (global, _) => Node::Object {
                global,
                arguments,
                state: None,
                inline: None,
            },
        };
        self.push(node)
    }

    fn build(&mut self, new_state: Id) -> Result<(), String> {
        let top = self.top()?;
        let global = match self.pickle.node(top) {
            // Attributes of a state dict (its `_metadata`) say nothing about the weights.
            Node::Dict(_) => return Ok(()),
            Node::Object { global, .. } => *global,
            _ => return Err("the pickle is damaged: it sets the state of plain data".to_owned()),
        };
        let mut found = None;
        if let (Global::ArrayWrapper, Some(locate)) = (global, self.inline) {
            let (skip, length) = locate(&self.pickle, new_state, &self.bytes[self.at..])?;
            self.take(skip)?;
            found = Some(self.take(length)?);
        }
        if let Node::Object { state, inline, .. } = &mut self.pickle.nodes[top as usize] {
            *state = Some(new_state);
            // A wrapper built twice keeps the later array, as Python would.
            *inline = found.or(*inline);
        }
        Ok(())
    }
}
