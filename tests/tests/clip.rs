//! Clips in files: what is written is read again, and nothing that a file can hold panics.

use std::collections::HashMap;
use std::path::Path;

use chois::clip::{packet, parse_clip, read_clip, write_clip};
use chois::motion::{Frame, MotionClip};
use chois::skeleton::{JOINTS, Pose, ROTATIONS, Skeleton, world_rotations};
use chois::{Error, frame};
use nalgebra::{UnitQuaternion, Vector3};
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};

/// Bones of an adult, metres, SMPL axes.
fn skeleton() -> Skeleton {
    let mut rest_offsets = [Vector3::zeros(); JOINTS];
    let half = [
        (1, [0.06, -0.09, -0.01]),
        (4, [0.04, -0.38, 0.0]),
        (7, [-0.01, -0.4, -0.04]),
        (10, [0.04, -0.06, 0.12]),
        (13, [0.07, 0.11, -0.01]),
        (16, [0.12, 0.05, -0.01]),
        (18, [0.26, -0.01, -0.02]),
        (20, [0.25, 0.01, 0.0]),
        (22, [0.11, -0.01, 0.0]),
    ];
    for (left, [x, y, z]) in half {
        rest_offsets[left] = Vector3::new(x, y, z);
        rest_offsets[left + 1] = Vector3::new(-x, y, z);
    }
    for (j, [x, y, z]) in [
        (3, [0.0, 0.12, -0.03]),
        (6, [0.0, 0.14, 0.0]),
        (9, [0.0, 0.06, 0.02]),
        (12, [0.0, 0.21, -0.03]),
        (15, [0.0, 0.09, 0.05]),
    ] {
        rest_offsets[j] = Vector3::new(x, y, z);
    }
    Skeleton { rest_offsets }
}

/// A person who bows and waves over a turning box.
fn clip(frames: usize) -> MotionClip {
    let frames = (0..frames)
        .map(|f| {
            let t = f as f32 / 30.0;
            let mut local = [UnitQuaternion::identity(); ROTATIONS];
            for (j, q) in local.iter_mut().enumerate() {
                let angle = 0.3 * (t * 2.0 + j as f32).sin();
                *q = UnitQuaternion::from_euler_angles(angle, 0.5 * angle, -angle);
            }
            local[0] = frame::y_up_to_z_up() * local[0];
            Frame {
                pose: Pose {
                    root: Vector3::new(0.1 * t, 0.2 * t, 0.9),
                    rotations: world_rotations(&local),
                },
                object_position: Vector3::new(0.4, 0.3 * t, 0.5),
                object_rotation: UnitQuaternion::from_euler_angles(0.0, 0.1, t),
                contact: [f32::from(f % 40 > 20), 0.25, 0.0, 1.0],
            }
        })
        .collect();
    MotionClip {
        name: "sub0_box_000".into(),
        subject: "sub0".into(),
        object: "box".into(),
        text: "Lift the \"box\",\nund stell es hin: größer.".into(),
        fps: 30.0,
        skeleton: skeleton(),
        frames,
    }
}

fn written(clip: &MotionClip) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("clip.safetensors");
    write_clip(&path, clip).expect("a clip can be written");
    std::fs::read(&path).expect("it is there")
}

fn reason(result: chois::Result<MotionClip>) -> String {
    match result {
        Err(e @ Error::Malformed { .. }) => e.to_string(),
        other => panic!("expected a malformed clip, got {other:?}"),
    }
}

/// A file with the tensors and metadata of `bytes` after `change` had its way.
fn changed(
    bytes: &[u8],
    change: impl FnOnce(&mut HashMap<String, (Vec<usize>, Vec<f32>)>, &mut HashMap<String, String>),
) -> Vec<u8> {
    let (_, header) = safetensors::SafeTensors::read_metadata(bytes).expect("a header");
    let file = safetensors::SafeTensors::deserialize(bytes).expect("safetensors");
    let mut tensors = file
        .iter()
        .map(|(name, view)| {
            let (chunks, _) = view.data().as_chunks::<4>();
            let values = chunks.iter().map(|&c| f32::from_le_bytes(c)).collect();
            (name.to_owned(), (view.shape().to_vec(), values))
        })
        .collect();
    let mut metadata = header.metadata().clone().expect("metadata");
    change(&mut tensors, &mut metadata);
    save(&tensors, metadata, Dtype::F32, |v| v.to_le_bytes().to_vec())
}

fn save(
    tensors: &HashMap<String, (Vec<usize>, Vec<f32>)>,
    metadata: HashMap<String, String>,
    dtype: Dtype,
    store: impl Fn(f32) -> Vec<u8>,
) -> Vec<u8> {
    let data: HashMap<_, Vec<u8>> = tensors
        .iter()
        .map(|(name, (_, values))| {
            let bytes = values.iter().flat_map(|&v| store(v)).collect();
            (name.clone(), bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, (shape, _))| {
        let view = TensorView::new(dtype, shape.clone(), &data[name]).expect("a tensor");
        (name.clone(), view)
    });
    safetensors::serialize(views, Some(metadata)).expect("safetensors")
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("deeper").join("clip.safetensors");
    let clip = clip(75);
    write_clip(&path, &clip).expect("a clip can be written");
    let read = read_clip(&path).expect("and read");
    assert_eq!(read, clip);
    // Rewriting is stable to the byte.
    assert_eq!(written(&read), std::fs::read(&path).expect("it is there"));
    assert_eq!(
        std::fs::read_dir(path.parent().expect("a folder"))
            .expect("a listing")
            .count(),
        1,
        "nothing is left beside the clip"
    );
}

#[test]
fn hands_come_from_labels_where_channels_are_missing() {
    let path = Path::new("captured.safetensors");
    let bytes = changed(&written(&clip(3)), |tensors, _| {
        tensors.remove("contact");
        tensors.insert(
            "body_contact".into(),
            (
                vec![3, 4],
                vec![
                    -1.0, -1.0, -1.0, -1.0, 1.0, 0.0, -1.0, 0.0, 0.0, -1.0, 0.0, 1.0,
                ],
            ),
        );
    });
    let read = parse_clip(&bytes, path).expect("a clip");
    let contact: Vec<_> = read.frames.iter().map(|f| f.contact).collect();
    assert_eq!(
        contact,
        [
            [0.0, 0.0, 0.0, 0.0],
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0]
        ]
    );
    let bytes = changed(&written(&clip(3)), |tensors, metadata| {
        tensors.remove("contact");
        tensors.remove("body_contact");
        metadata.remove("name");
    });
    let read = parse_clip(&bytes, path).expect("a clip");
    assert!(read.frames.iter().all(|f| f.contact == [0.0; 4]));
    assert_eq!(read.name, "captured");
}

#[test]
fn other_widths_are_read() {
    let path = Path::new("wide.safetensors");
    let clip = clip(20);
    let bytes = written(&clip);
    let mut parts = None;
    changed(&bytes, |tensors, metadata| {
        parts = Some((tensors.clone(), metadata.clone()));
    });
    let (tensors, metadata) = parts.expect("seen");
    let wide = save(&tensors, metadata.clone(), Dtype::F64, |v| {
        f64::from(v).to_le_bytes().to_vec()
    });
    assert_eq!(parse_clip(&wide, path).expect("f64"), clip);
    // bfloat16 is the upper half of a float.
    let short = save(&tensors, metadata.clone(), Dtype::BF16, |v| {
        v.to_le_bytes()[2..].to_vec()
    });
    let read = parse_clip(&short, path).expect("bf16");
    for (a, b) in read.frames.iter().zip(&clip.frames) {
        assert!((a.pose.root - b.pose.root).norm() < 0.02);
        assert!(a.pose.rotations[20].angle_to(&b.pose.rotations[20]) < 0.05);
    }
    let whole = save(&tensors, metadata, Dtype::I32, |v| {
        (v as i32).to_le_bytes().to_vec()
    });
    assert!(reason(parse_clip(&whole, path)).contains("joint_positions"));
}

#[test]
fn a_bad_file_is_named_with_its_bad_part() {
    type Change = fn(&mut HashMap<String, (Vec<usize>, Vec<f32>)>, &mut HashMap<String, String>);
    let cases: [(&str, Change); 14] = [
        ("`up`", |_, m| _ = m.insert("up".into(), "y".into())),
        ("`units`", |_, m| _ = m.remove("units")),
        ("`quaternion`", |_, m| {
            _ = m.insert("quaternion".into(), "wxyz".into())
        }),
        ("`fps`", |_, m| _ = m.insert("fps".into(), "nan".into())),
        ("`fps`", |_, m| _ = m.insert("fps".into(), "1000".into())),
        ("`object`", |_, m| _ = m.remove("object")),
        ("`joint_rotations`", |t, _| _ = t.remove("joint_rotations")),
        ("a person and an object", |t, _| {
            _ = t.remove("object_position")
        }),
        ("`object_rotation`", |t, _| {
            *t.get_mut("object_rotation").expect("there") = (vec![3, 2], vec![0.5; 6]);
        }),
        ("norm 0", |t, _| {
            t.get_mut("object_rotation").expect("there").1[4..8].fill(0.0)
        }),
        ("not finite in row 1", |t, _| {
            t.get_mut("object_position").expect("there").1[3] = f32::NAN
        }),
        ("units", |t, _| {
            t.get_mut("rest_offsets").expect("there").1[3] = 40.0
        }),
        ("disagree", |t, _| {
            t.get_mut("joint_rotations")
                .expect("there")
                .1
                .chunks_mut(4)
                .for_each(|q| q.rotate_left(1));
        }),
        ("1 frames", |t, _| {
            for (shape, values) in t.values_mut().filter(|(shape, _)| shape[0] == 3) {
                shape[0] = 1;
                values.truncate(shape.iter().product());
            }
        }),
    ];
    let bytes = written(&clip(3));
    for (part, change) in cases {
        let message = reason(parse_clip(
            &changed(&bytes, change),
            Path::new("bad.safetensors"),
        ));
        assert!(
            message.contains(part) && message.contains("bad.safetensors"),
            "{part}: {message}"
        );
    }
    assert!(matches!(
        read_clip(Path::new("nowhere.safetensors")),
        Err(Error::Read { .. })
    ));
}

#[test]
fn a_clip_that_could_not_be_read_is_not_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("clip.safetensors");
    let mut broken = clip(4);
    broken.frames[2].object_position.x = f32::INFINITY;
    assert!(matches!(
        write_clip(&path, &broken),
        Err(Error::Invalid { .. })
    ));
    assert!(!path.exists());
}

#[test]
fn a_packet_is_small_and_comes_back_as_the_clip() {
    let sent = clip(120);
    let bytes = packet::to_bytes(&sent).expect("a packet");
    // Five kilobytes a second; the file has four times as many.
    assert!(bytes.len() < 120 * 166 + 500, "{}", bytes.len());
    assert!(written(&sent).len() > 4 * bytes.len());
    let came = packet::from_bytes(&bytes).expect("the clip");
    let words = |c: &MotionClip| [&c.name, &c.subject, &c.object, &c.text].map(String::clone);
    assert_eq!(words(&came), words(&sent));
    assert_eq!((came.fps, &came.skeleton), (sent.fps, &sent.skeleton));
    for (f, (a, b)) in came.frames.iter().zip(&sent.frames).enumerate() {
        assert_eq!(
            (a.pose.root, a.object_position),
            (b.pose.root, b.object_position)
        );
        let rotations = (a.pose.rotations.iter().zip(&b.pose.rotations))
            .chain([(&a.object_rotation, &b.object_rotation)]);
        for (a, b) in rotations {
            assert!(a.angle_to(b).to_degrees() < 0.01, "{f}: {a} {b}");
        }
        for (a, b) in came.joints(f).iter().zip(sent.joints(f)) {
            assert!((a - b).norm() < 2e-4, "{f}");
        }
        for (a, b) in a.contact.iter().zip(b.contact) {
            assert!((a - b).abs() < 0.003);
        }
    }
    // As good as it gets: sent on, nothing more is lost.
    let again = packet::to_bytes(&came).expect("a packet");
    let came_again = packet::from_bytes(&again).expect("the clip");
    for f in 0..120 {
        for (a, b) in came_again.joints(f).iter().zip(came.joints(f)) {
            assert!((a - b).norm() < 2e-4);
        }
    }
}

#[test]
fn what_is_no_packet_is_refused_in_a_sentence() {
    let good = packet::to_bytes(&clip(4)).expect("a packet");
    let said = |bytes: &[u8]| match packet::from_bytes(bytes) {
        Err(e @ Error::Invalid { .. }) => e.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    };
    assert!(said(b"hello").contains("ends too early"));
    assert!(said(&written(&clip(4))).contains("CHOISMC1"));
    assert!(said(&good[..good.len() - 1]).contains("bytes for 4 frames"));
    assert!(said(&[&good[..], &[0]].concat()).contains("bytes for 4 frames"));
    let mut many = good.clone();
    many[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(said(&many).contains("frames"));
    let mut long = clip(4);
    long.text = "a".repeat(70_000);
    assert!(packet::to_bytes(&long).is_err());
    long = clip(4);
    long.frames[2].pose.root.x = f32::NAN;
    assert!(packet::to_bytes(&long).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(parse_clip(&bytes, Path::new("noise")).is_err());
    }

    #[test]
    fn any_damage_is_survived(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = written(&clip(2));
        // Half of the edits go where they hurt: into the header.
        for (n, (at, value)) in edits.into_iter().enumerate() {
            let range = if n % 2 == 0 { 1200.min(bytes.len()) } else { bytes.len() };
            bytes[at.index(range)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(clip) = parse_clip(&bytes, Path::new("damaged")) {
            prop_assert!(clip.frames.len() >= 2);
            for f in 0..clip.frames.len() {
                prop_assert!(clip.joints(f).iter().all(|p| p.iter().all(|x| x.is_finite())));
            }
        }
    }

    #[test]
    fn any_packet_is_survived(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..9),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = packet::to_bytes(&clip(2)).expect("a packet");
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(clip) = packet::from_bytes(&bytes) {
            for f in 0..clip.frames.len() {
                prop_assert!(clip.joints(f).iter().all(|p| p.iter().all(|x| x.is_finite())));
            }
        }
    }
}
