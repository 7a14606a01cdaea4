//! The official release's files: what torch.save and joblib.dump wrote is read bit for bit, and nothing that such a
//! file can hold runs or panics. The files are made by `golden/import/make_fixtures.py`.

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use chois::condition::{Fill, Skip};
use chois::geometry::BpsBasis;
use chois::import::{
    ImportOptions, Node, OfficialCheckpoint, Pickle, TorchArchive, convert, parse_bps,
    parse_statistics, read_arrays, read_bps, read_statistics,
};
use chois::model::Checkpoint;
use chois::model::config::{Basis, TextEncoderKind};
use chois_tests::golden_dir;
use proptest::prelude::*;
use tch::{Kind, Tensor};

fn path(name: &str) -> PathBuf {
    golden_dir().join("import").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn model() -> OfficialCheckpoint {
    OfficialCheckpoint::read(&path("model.pt")).expect("the model is read")
}

/// The formula of `make_fixtures.py`.
fn formula(name: &str, shape: &[i64]) -> Vec<f32> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |s, b| {
        (s ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    let fan_in: i64 = shape[1..].iter().product();
    (1..=shape.iter().product::<i64>() as u64)
        .map(|i| {
            let mut z = seed.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            let u = ((z >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32;
            if shape.len() > 1 {
                u * (1.0 / (fan_in as f64).sqrt()) as f32
            } else if name.ends_with("layer_norm.weight") {
                1.0 + 0.1 * u
            } else {
                0.1 * u
            }
        })
        .collect()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::<f32>::try_from(&tensor.to_kind(Kind::Float).contiguous().view(-1)).expect("numbers")
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[track_caller]
fn refused<T>(result: chois::Result<T>, words: &[&str]) {
    let message = match result {
        Ok(_) => panic!("it is refused"),
        Err(error) => error.to_string(),
    };
    for word in words {
        assert!(message.contains(word), "{message:?} lacks {word:?}");
    }
    assert!(!message.contains('\n'), "one sentence: {message:?}");
}

#[test]
fn an_imported_checkpoint_holds_the_averaged_weights_bit_for_bit() {
    let official = model();
    assert_eq!(official.step, 400_000);
    let checkpoint = convert(
        &official,
        read_statistics(&path("statistics.p")).expect("statistics"),
        read_bps(&path("bps.pt")).expect("basis points"),
        &ImportOptions::default(),
    )
    .expect("the files fit together");
    let folder = tempfile::tempdir().expect("a temporary folder");
    checkpoint.save(folder.path(), false).expect("it is saved");
    let loaded = Checkpoint::load(folder.path()).expect("it is a checkpoint");

    assert_eq!(loaded.config, checkpoint.config);
    let config = &loaded.config;
    let a = &config.architecture;
    assert_eq!((a.width, a.layers, a.heads, a.head_width), (16, 2, 4, 2));
    assert_eq!((a.hidden, a.object_hidden, a.object_width), (24, 4, 8));
    assert_eq!((a.basis_points, a.text_width, a.window), (1024, 512, 120));
    assert_eq!(config.conditioning.fill, Fill::Zeros);
    assert_eq!(config.conditioning.skip, Skip::None);
    assert_eq!(
        (config.diffusion.steps, config.diffusion.clamp),
        (1000, true)
    );
    assert_eq!(config.text_encoder, TextEncoderKind::ClipVitB32);
    assert_eq!(config.provenance.steps, 400_000);
    assert_eq!(loaded.weights.iter().count(), 14 + 16 * 2);
    for (name, tensor) in loaded.weights.iter() {
        assert_eq!(
            bits(&values(tensor)),
            bits(&formula(name, &tensor.size())),
            "{name}"
        );
    }
    loaded
        .network(tch::Device::Cpu)
        .expect("a network can be made of it");
}

#[test]
fn the_released_basis_is_recognised_and_another_one_kept() {
    let released = read_bps(&path("bps.pt")).expect("basis points");
    let farthest = released
        .points()
        .iter()
        .zip(BpsBasis::standard().points())
        .map(|(a, b)| (a - b).amax())
        .fold(0.0, f32::max);
    assert!(farthest <= 1e-7, "off by {farthest}");

    let other = read_bps(&path("bps_other.pt")).expect("basis points");
    let flat: Vec<f32> = other.points().iter().flatten().copied().collect();
    assert_eq!(bits(&flat), bits(&formula("other basis", &[1024, 3])));
    let checkpoint = convert(
        &model(),
        read_statistics(&path("statistics.p")).expect("statistics"),
        other.clone(),
        &ImportOptions::default(),
    )
    .expect("it fits");
    assert_eq!(checkpoint.config.basis, Basis::Tensor);
    let folder = tempfile::tempdir().expect("a temporary folder");
    checkpoint.save(folder.path(), false).expect("it is saved");
    let loaded = Checkpoint::load(folder.path()).expect("it is a checkpoint");
    assert_eq!(loaded.basis, other);
}

#[test]
fn statistics_are_read_from_every_form_that_joblib_and_pickle_write() {
    let low: Vec<f32> = formula("jpos", &[24, 3])
        .iter()
        .map(|v| -v.abs() - 0.5)
        .collect();
    for name in [
        "statistics.p",
        "statistics_zlib.p",
        "statistics_gzip.p",
        "statistics_unaligned.p",
        "statistics_orders.p",
        "statistics_pickle2.p",
        "statistics_pickle4.p",
    ] {
        let statistics = read_statistics(&path(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let flat: Vec<f32> = statistics.joint_min.iter().flatten().copied().collect();
        assert_eq!(bits(&flat), bits(&low), "{name}");
        let high: Vec<f32> = (0..72).map(|i| i as f32 / 64.0 + 1.0).collect();
        let flat: Vec<f32> = statistics.joint_max.iter().flatten().copied().collect();
        assert_eq!(flat, high, "{name}");
        assert_eq!(statistics.object_min, [-2.0, -1.5, 0.0625], "{name}");
        assert_eq!(statistics.object_max, [2.0, 2.5, 4.0625], "{name}");
    }
    refused(
        read_statistics(&path("statistics_lzma.p")),
        &["statistics_lzma.p", "lzma", "joblib.dump"],
    );
}

#[test]
fn tensors_of_every_type_and_layout_are_read() {
    for name in ["kinds.pt", "kinds_big_endian.pt"] {
        let bytes = bytes(name);
        let mut archive = TorchArchive::open(&bytes, Path::new(name)).expect("an archive");
        let pickled = archive.pickle().expect("a pickle");
        let pickle = Pickle::parse(&pickled, Path::new(name)).expect("data");
        let mut tensor = |key: &str| {
            let id = pickle.get(pickle.root(), key).expect(key);
            archive
                .tensor(&pickle, id, key)
                .unwrap_or_else(|e| panic!("{name} {key}: {e}"))
        };
        let at = |f: &dyn Fn(usize, usize) -> usize, rows: usize, columns: usize| -> Vec<f32> {
            (0..rows)
                .flat_map(|r| (0..columns).map(move |c| (r, c)))
                .map(|(r, c)| f(r, c) as f32)
                .collect()
        };
        for (key, shape, want) in [
            ("base", vec![4, 6], at(&|r, c| r * 6 + c, 4, 6)),
            ("transposed", vec![6, 4], at(&|r, c| c * 6 + r, 6, 4)),
            ("columns", vec![4, 3], at(&|r, c| r * 6 + 1 + 2 * c, 4, 3)),
            ("row", vec![6], at(&|_, c| 12 + c, 1, 6)),
            ("expanded", vec![4, 3], at(&|r, _| r * 6, 4, 3)),
            ("scalar", vec![], vec![2.5]),
            ("empty", vec![0, 3], vec![]),
            ("parameter", vec![1, 2], vec![1.0, -2.0]),
            ("channels_last", vec![1, 2, 3, 4], at(&|_, c| c, 1, 24)),
        ] {
            let found = tensor(key);
            assert_eq!(found.size(), shape, "{name} {key}");
            assert_eq!(values(&found), want, "{name} {key}");
        }
        for (key, kind) in [
            ("half", Kind::Half),
            ("bfloat16", Kind::BFloat16),
            ("double", Kind::Double),
            ("long", Kind::Int64),
            ("int", Kind::Int),
            ("short", Kind::Int16),
            ("int8", Kind::Int8),
            ("uint8", Kind::Uint8),
            ("bool", Kind::Bool),
        ] {
            let found = tensor(key);
            assert_eq!(found.kind(), kind, "{name} {key}");
            let want = match kind {
                Kind::Bool => [0.0, 1.0, 1.0, 1.0],
                Kind::Uint8 => [0.0, 1.0, 2.0, 3.0],
                _ => [0.0, 1.0, 2.0, -3.0],
            };
            assert_eq!(values(&found), want, "{name} {key}");
        }
    }
}

#[test]
fn programs_in_pickles_are_named_and_not_run() {
    refused(
        OfficialCheckpoint::read(&path("malicious.pt")),
        &["malicious.pt", "posix.system", "nothing was run"],
    );
    refused(
        read_statistics(&path("malicious.p")),
        &["malicious.p", "builtins.eval", "nothing was run"],
    );
    let parse = |bytes: &[u8]| Pickle::parse(bytes, Path::new("x")).map(|_| ());
    for (program, word) in [
        (
            &b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R."[..],
            "os.system",
        ),
        (
            b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.",
            "os.system",
        ),
        (b"\x80\x02cbuiltins\ngetattr\n.", "builtins.getattr"),
        (b"\x80\x02ctorch\nload\n.", "torch.load"),
        (b"\x80\x02cnumpy\nload\n.", "numpy.load"),
        (b"\x80\x02c__main__\nevil\\\x1b[31m\n.", "\\u{1b}"),
        // INST and OBJ call without REDUCE; EXT looks a name up in a registry.
        (b"\x80\x02(X\x02\0\0\0lsios\nsystem\n.", "instruction 0x69"),
        (b"\x80\x02\x82\x01.", "instruction 0x82"),
        // What is allowed as data may not be called.
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "Storage"),
        (b"\x80\x02K\x01)R.", "calls"),
    ] {
        refused(parse(program), &[word]);
    }
}

#[test]
fn damaged_pickles_are_refused() {
    let parse = |bytes: &[u8]| Pickle::parse(bytes, Path::new("x")).map(|_| ());
    for (program, word) in [
        (&b""[..], "ends early"),
        (b"\x80\x02", "ends early"),
        (b"\x80\x02X\xff\xff\xff\xffab.", "ends early"),
        (
            b"\x80\x05\x8e\xff\xff\xff\xff\xff\xff\xff\xffab.",
            "ends early",
        ),
        (b"\x80\x02.", "operands"),
        (b"\x80\x02(K\x01(0.", "operands"),
        (b"\x80\x02K\x01K\x02s.", "operands"),
        (b"\x80\x02}(K\x01u.", "operands"),
        (b"\x80\x02u.", "operands"),
        (b"\x80\x02K\x01K\x02a.", "no list"),
        (b"\x80\x02h\x05.", "never made"),
        (b"\x80\x02\x8a\x09123456789.", "64 bits"),
        (b"\x80\x02K\x01K\x02b.", "plain data"),
        (b"\x80\x06K\x01.", "protocol 6"),
        (b"I1\n.", "protocol"),
    ] {
        refused(parse(program), &[word]);
    }
    // Nesting without end and values that contain themselves cost neither stack nor time.
    let mut deep = b"\x80\x02".to_vec();
    deep.extend(std::iter::repeat_n(b']', 1));
    for _ in 0..500_000 {
        deep.extend(b"\x85");
    }
    deep.push(b'.');
    parse(&deep).expect("deep data are data");
    parse(b"\x80\x02]q\x00h\x00a.").expect("a list that holds itself");
    // Bytes that refer to one text again and again.
    let mut bomb = b"\x80\x02c_codecs\nencode\nq\x00X\x00\x00\x01\x00".to_vec();
    bomb.extend(vec![b'a'; 65536]);
    bomb.extend(b"q\x01X\x06\0\0\0latin1q\x02");
    for _ in 0..1000 {
        bomb.extend(b"h\x00h\x01h\x02\x86R");
    }
    bomb.push(b'.');
    refused(parse(&bomb), &["larger than the file allows"]);
    let mut many = b"\x80\x02".to_vec();
    many.extend(vec![b'N'; 2_000_001]);
    many.push(b'.');
    refused(parse(&many), &["2000000 values"]);
}

#[test]
fn other_files_are_refused_with_a_remedy() {
    refused(
        read_bps(&path("bps_legacy.pt")),
        &["bps_legacy.pt", "before PyTorch 1.6", "torch.save"],
    );
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    refused(parse_bps(&tar, Path::new("old.pt")), &["tar", "torch.save"]);
    refused(parse_bps(b"", Path::new("x.pt")), &["x.pt", "zip"]);
    refused(parse_bps(b"hello", Path::new("x.pt")), &["x.pt", "zip"]);
    refused(read_bps(&path("kinds.pt")), &["kinds.pt", "entry obj"]);
    refused(
        OfficialCheckpoint::read(&path("bps.pt")),
        &["bps.pt", "no entry ema", "obj"],
    );
    refused(
        OfficialCheckpoint::read(&path("bps_other.pt")),
        &["no entry ema", "none"],
    );
    refused(
        OfficialCheckpoint::read(&path("no such file.pt")),
        &["cannot read", "no such file.pt"],
    );
    refused(
        parse_statistics(&bytes("bps.pt"), Path::new("bps.pt")),
        &["zip archive"],
    );
    refused(parse_statistics(b"", Path::new("s.p")), &["s.p", "empty"]);
    refused(
        parse_statistics(b"\x80\x04}.", Path::new("s.p")),
        &["s.p", "global_jpos_min", "missing"],
    );
    refused(
        parse_statistics(b"\x80\x04K\x01.", Path::new("s.p")),
        &["a whole number", "dictionary"],
    );
}

#[test]
fn cut_off_files_are_refused() {
    for name in ["model.pt", "bps.pt", "kinds.pt"] {
        let whole = bytes(name);
        for share in [1, 2, 10, 50, 90, 99] {
            let cut = &whole[..whole.len() * share / 100];
            assert!(OfficialCheckpoint::parse(cut, Path::new(name)).is_err());
            assert!(parse_bps(cut, Path::new(name)).is_err());
        }
    }
    for name in [
        "statistics.p",
        "statistics_zlib.p",
        "statistics_unaligned.p",
        "statistics_pickle2.p",
    ] {
        let whole = bytes(name);
        for length in 0..whole.len() - 1 {
            refused(parse_statistics(&whole[..length], Path::new(name)), &[name]);
        }
    }
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let statistics = || read_statistics(&path("statistics.p")).expect("statistics");
    let change = |f: &dyn Fn(&mut OfficialCheckpoint)| {
        let mut official = model();
        f(&mut official);
        convert(
            &official,
            statistics(),
            BpsBasis::standard().clone(),
            &ImportOptions::default(),
        )
    };
    const NORM: &str = "denoise_fn.motion_transformer.layer_stack.1.self_attn.layer_norm.weight";
    const START: &str = "denoise_fn.motion_transformer.start_conv.weight";
    const POSITIONS: &str = "denoise_fn.motion_transformer.position_vec.weight";
    let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, tch::Device::Cpu));
    change(&|_| {}).expect("as it is, it fits");
    refused(
        change(&|m| drop(m.tensors.remove(NORM))),
        &["model.pt", "missing", "ema_model.", NORM],
    );
    refused(
        change(&|m| drop(m.tensors.remove(START))),
        &["missing", START],
    );
    refused(
        change(&|m| drop(m.tensors.insert("denoise_fn.more".into(), zeros(&[2])))),
        &["not the published network's", "denoise_fn.more"],
    );
    refused(
        change(&|m| drop(m.tensors.insert(NORM.into(), zeros(&[17])))),
        &[NORM, "[17]", "[16]"],
    );
    refused(
        change(&|m| drop(m.tensors.insert(START.into(), zeros(&[16, 452, 1])))),
        &[START, "452", "448"],
    );
    refused(
        change(&|m| drop(m.tensors.insert(START.into(), zeros(&[16])))),
        &[START, "[16]", "3 axes"],
    );
    refused(
        change(&|m| drop(m.tensors.insert(NORM.into(), zeros(&[16]) / 0.0))),
        &[NORM, "not finite"],
    );
    refused(
        change(&|m| {
            let huge = Tensor::full([16], 1e300, (Kind::Double, tch::Device::Cpu));
            m.tensors.insert(NORM.into(), huge);
        }),
        &[NORM, "not finite"],
    );
    refused(
        change(&|m| {
            drop(
                m.tensors
                    .insert(NORM.into(), zeros(&[16]).to_kind(Kind::Int64)),
            )
        }),
        &[NORM, "Int64"],
    );
    refused(
        change(&|m| drop(m.tensors.insert("betas".into(), zeros(&[1000])))),
        &["ema_model.betas", "cosine"],
    );
    refused(
        change(&|m| drop(m.tensors.insert("betas".into(), zeros(&[0])))),
        &["ema_model.betas", "0 steps"],
    );
    refused(
        change(&|m| drop(m.tensors.insert(POSITIONS.into(), zeros(&[122, 16])))),
        &[POSITIONS, "off by"],
    );
    refused(
        change(&|m| drop(m.tensors.insert(POSITIONS.into(), zeros(&[62, 16])))),
        &["window", "60"],
    );
    let other_heads = ImportOptions {
        heads: 3,
        ..ImportOptions::default()
    };
    refused(
        convert(
            &model(),
            statistics(),
            BpsBasis::standard().clone(),
            &other_heads,
        ),
        &["heads", "3"],
    );
}

/// `bps.pt` with another pickle.
fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    let whole = bytes("bps.pt");
    let mut old = zip::ZipArchive::new(Cursor::new(whole)).expect("a zip archive");
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for i in 0..old.len() {
        let mut entry = old.by_index(i).expect("an entry");
        let name = entry.name().expect("a name").into_owned();
        let mut data = Vec::new();
        entry.read_to_end(&mut data).expect("its bytes");
        if name.ends_with("data.pkl") {
            data = pickle.to_vec();
        }
        new.start_file(name, stored).expect("a new entry");
        new.write_all(&data).expect("its bytes");
    }
    new.finish().expect("a zip archive").into_inner()
}

/// A pickle of `{"obj": <tensor>}` whose storage `0` has 3,072 numbers.
fn tensor_pickle(offset: i32, shape: &[i32], strides: &[i32], key: &str) -> Vec<u8> {
    let mut out = b"\x80\x02}X\x03\0\0\0obj".to_vec();
    let int = |out: &mut Vec<u8>, v: i32| {
        out.push(b'J');
        out.extend(v.to_le_bytes());
    };
    let tuple = |out: &mut Vec<u8>, items: &[i32]| {
        out.push(b'(');
        items.iter().for_each(|v| int(out, *v));
        out.push(b't');
    };
    out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX");
    out.extend((key.len() as u32).to_le_bytes());
    out.extend(key.as_bytes());
    out.extend(b"X\x03\0\0\0cpuM\0\x0ctQ");
    int(&mut out, offset);
    tuple(&mut out, shape);
    tuple(&mut out, strides);
    out.extend(b"\x89ccollections\nOrderedDict\n)RtRs.");
    out
}

#[test]
fn tensors_that_reach_outside_their_storage_are_refused() {
    let parse = |pickle: &[u8]| parse_bps(&with_pickle(pickle), Path::new("x.pt"));
    let whole = parse(&tensor_pickle(0, &[1024, 3], &[3, 1], "0")).expect("the basis points");
    assert_eq!(whole, read_bps(&path("bps.pt")).expect("basis points"));
    let max = i32::MAX;
    for (offset, shape, strides, key, word) in [
        (1, &[1024, 3][..], &[3, 1][..], "0", "reaches beyond"),
        (0, &[1024, 3], &[4, 1], "0", "reaches beyond"),
        (0, &[1024, 3], &[max, max], "0", "reaches beyond"),
        (max, &[1024, 3], &[0, 0], "0", "reaches beyond"),
        (-1, &[1024, 3], &[3, 1], "0", "no sizes"),
        (0, &[-1024, 3], &[3, 1], "0", "no sizes"),
        (0, &[1024, 3], &[-3, 1], "0", "no sizes"),
        (0, &[1024, 3], &[3], "0", "strides"),
        (0, &[max, max, max], &[0, 0, 0], "0", "larger than the file"),
        (0, &[max, 3], &[0, 0], "0", "larger than the file"),
        (0, &[0, 3], &[3, 1], "0", "1024"),
        (0, &[1023, 3], &[3, 1], "0", "1024"),
        (0, &[3072], &[1], "0", "[3072]"),
        (0, &[1024, 3], &[3, 1], "7", "data/7 is missing"),
        (0, &[1024, 3], &[3, 1], "../data.pkl", "no number"),
    ] {
        refused(parse(&tensor_pickle(offset, shape, strides, key)), &[word]);
    }
}

#[test]
fn a_changed_byte_in_a_storage_is_noticed() {
    let mut damaged = bytes("bps.pt");
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    refused(parse_bps(&damaged, Path::new("x.pt")), &["damaged"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_data_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let path = Path::new("x");
        let _ = OfficialCheckpoint::parse(&bytes, path);
        let _ = parse_bps(&bytes, path);
        let _ = parse_statistics(&bytes, path);
        let mut pickle = b"\x80\x04".to_vec();
        pickle.extend(&bytes);
        let _ = Pickle::parse(&pickle, path);
        let _ = parse_statistics(&pickle, path);
    }

    #[test]
    fn changed_archives_are_data_or_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut changed = bytes("kinds.pt");
        for (at, byte) in &changes {
            let at = at.index(changed.len());
            changed[at] = *byte;
        }
        let path = Path::new("x.pt");
        let _ = parse_bps(&changed, path);
        if let Ok(mut archive) = TorchArchive::open(&changed, path) {
            read_all(&mut archive, None);
        }
    }

    #[test]
    fn changed_pickles_are_data_or_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let whole = bytes("kinds.pt");
        let mut archive = TorchArchive::open(&whole, Path::new("x.pt")).expect("an archive");
        let mut pickle = archive.pickle().expect("a pickle");
        for (at, byte) in &changes {
            let at = at.index(pickle.len());
            pickle[at] = *byte;
        }
        read_all(&mut archive, Some(&pickle));
    }

    #[test]
    fn changed_statistics_are_usable_or_an_error(
        name in prop::sample::select(vec!["statistics.p", "statistics_orders.p", "statistics_pickle2.p", "statistics_zlib.p"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut changed = bytes(name);
        for (at, byte) in &changes {
            let at = at.index(changed.len());
            changed[at] = *byte;
        }
        if let Ok(statistics) = parse_statistics(&changed, Path::new("x.p")) {
            statistics.validate().expect("what is read is usable");
        }
        if let Ok(arrays) = read_arrays(&changed, &["global_jvel_min"], Path::new("x.p")) {
            for array in arrays.values() {
                prop_assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
            }
        }
    }
}

/// Reads every tensor of an archive, by its own pickle or another one.
fn read_all(archive: &mut TorchArchive<'_>, pickle: Option<&[u8]>) {
    let own = archive.pickle();
    let (Some(bytes), path) = (pickle.or(own.as_deref().ok()), Path::new("x.pt")) else {
        return;
    };
    if let Ok(pickle) = Pickle::parse(bytes, path) {
        for id in pickle.ids() {
            if matches!(pickle.node(id), Node::Object { .. })
                && let Ok(tensor) = archive.tensor(&pickle, id, "tensor")
            {
                assert_eq!(tensor.numel() as i64, tensor.size().iter().product::<i64>());
            }
        }
    }
}
