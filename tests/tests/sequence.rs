//! Two windows of a long sequence against the published PyTorch code (specification, section 9).

use chois::diffusion::Schedule;
use chois::diffusion::sampler::{
    Ancestral, Flow, Keep, KeepRule, ParityPredictor, RecordedNoise, Run, Sampler,
};
use chois::geometry::{BpsBasis, Mesh, ObjectGeometry};
use chois::model::Network;
use chois::motion::blend;
use chois::motion::features::{
    CONTACT, FEATURES, JOINT_POSITIONS, JOINT_ROTATIONS, OBJECT_POSITION, OBJECT_ROTATION,
    Orthonormal, Window, matrix_to_quaternion,
};
use chois::motion::seam::Seam;
use chois::motion::{OVERLAP, WINDOW};
use chois_tests::network::{config, small_weights, statistics};
use chois_tests::{Golden, assert_close};
use nalgebra::{Matrix3, UnitQuaternion, Vector3};
use tch::{Device, Tensor};

/// One ancestral run of eight steps; returns features, 120 x 220.
fn sample(
    network: &Network,
    golden: &Golden,
    window: i64,
    bps: &Tensor,
    condition: &[f32],
    keep: Option<&[f32]>,
) -> Vec<f32> {
    let condition = Tensor::from_slice(condition).view([1, WINDOW as i64, FEATURES as i64]);
    let sentence = golden.tensor(&format!("in.clip{window}"));
    let language = network.encode_sentence(&sentence);
    let condition = network.condition(&network.encode_object(bps), &condition);
    let predictor = ParityPredictor {
        denoiser: network.denoiser(),
        condition: &condition,
        language: Some(&language),
        padding: None,
    };
    let noise = golden.tensor("in.noise").narrow(0, 8 * window, 8);
    let start =
        golden
            .tensor("in.x_all")
            .narrow(1, window * (WINDOW - OVERLAP) as i64, WINDOW as i64);
    let out = Ancestral
        .sample(&mut Run {
            schedule: &Schedule::cosine(8),
            predictor: &predictor,
            guide: None,
            noise: &mut RecordedNoise::new(noise.unbind(0)),
            shape: (1, WINDOW as i64),
            start: Some(start),
            keep: keep.map(|k| Keep {
                frames: Tensor::from_slice(k).view([1, -1, FEATURES as i64]),
                rule: KeepRule::Clean,
            }),
            inpaint: None,
            clamp: true,
            progress: &mut |_| Flow::Continue,
        })
        .expect("a window");
    Vec::try_from(&out.contiguous().view(-1)).expect("features")
}

fn columns(features: &[f32], range: std::ops::Range<usize>) -> Vec<f32> {
    features
        .chunks_exact(FEATURES)
        .flat_map(|row| row[range.clone()].to_vec())
        .collect()
}

#[test]
fn two_windows_match_pytorch() {
    let golden = Golden::open("long_sequence");
    let statistics = statistics(&golden, "in.");
    let network = Network::new(&config(statistics.clone()), &small_weights(), Device::Cpu)
        .expect("a network");
    let reference = golden.f32("in.reference_obj_rot_mat");
    let reference =
        UnitQuaternion::new_normalize(matrix_to_quaternion(&Matrix3::from_row_slice(&reference)));
    let mask = golden.f32("in.cond_mask");
    let start = golden.f32("in.x_start");

    // Window 0 is a window like any other.
    let given: Vec<f32> = start
        .iter()
        .zip(&mask)
        .map(|(x, m)| x * (1.0 - m))
        .collect();
    let first = sample(&network, &golden, 0, &golden.tensor("in.bps"), &given, None);
    let stitched = golden.f32("out.sample");
    let kept = (WINDOW - OVERLAP) * FEATURES;
    assert_close("window 0", &first[..kept], &stitched[..kept], 1e-4);

    // The seam.
    let mut sequence = Window::decode(&first, &statistics, &reference, Orthonormal::Published);
    let trans2joint = Vector3::from_row_slice(&golden.f32("in.trans2joint"));
    let mut seam = Seam::new(&sequence, OVERLAP, &trans2joint).expect("a seam");
    let turn = seam.canonical.rotation.to_rotation_matrix();
    let rows: Vec<f32> = turn.matrix().transpose().iter().copied().collect();
    assert_close("turn", &rows, &golden.f32("mid.cano_rot_mat"), 1e-4);
    let rotations: Vec<f32> = seam
        .overlap
        .object_rotation
        .iter()
        .flat_map(|q| {
            let m = q.to_rotation_matrix().matrix().transpose();
            m.iter().copied().collect::<Vec<_>>()
        })
        .collect();
    assert_close(
        "rotations",
        &rotations,
        &golden.f32("mid.new_obj_rot"),
        1e-3,
    );

    // The published code takes the mean of the posed vertices for the centre; here the rest mesh is not about its own.
    let vertices: Vec<Vector3<f32>> = golden
        .f32("in.obj_rest_verts")
        .chunks_exact(3)
        .map(Vector3::from_row_slice)
        .collect();
    let mean = vertices.iter().sum::<Vector3<f32>>() / vertices.len() as f32;
    for (center, q) in seam
        .overlap
        .object_center
        .iter_mut()
        .zip(&seam.overlap.object_rotation)
    {
        *center += q * mean;
    }
    let mesh = Mesh {
        triangles: (0..vertices.len() as u32 - 2)
            .map(|i| [i, i + 1, i + 2])
            .collect(),
        vertices,
    };
    let object = ObjectGeometry::new("box", mesh).expect("an object");
    let bps: Vec<f32> = object
        .bps(&seam.reference(), BpsBasis::standard())
        .iter()
        .flat_map(|d| [d.x, d.y, d.z])
        .collect();
    assert_close("bps", &bps, &golden.f32("mid.bps1"), 1e-3);

    let overlap = seam.overlap.encode(&statistics, &seam.reference(), OVERLAP);
    for (name, range) in [
        ("mid.prev_com", OBJECT_POSITION),
        ("mid.prev_R", OBJECT_ROTATION),
        ("mid.prev_jpos", JOINT_POSITIONS),
        ("mid.prev_r6d", JOINT_ROTATIONS),
    ] {
        assert_close(name, &columns(&overlap, range), &golden.f32(name), 1e-3);
    }

    // Window 1: its first frame, and the waypoints in its own frame.
    let mut features = vec![0.0; WINDOW * FEATURES];
    features[..FEATURES].copy_from_slice(&overlap[..FEATURES]);
    for t in 1..WINDOW {
        let row = &start[(WINDOW - OVERLAP + t) * FEATURES..];
        let point = statistics.denormalise_object(&row[OBJECT_POSITION]);
        features[t * FEATURES..][OBJECT_POSITION]
            .copy_from_slice(&statistics.normalise_object(&seam.canonical.point(&point)));
    }
    let given: Vec<f32> = features
        .iter()
        .zip(&mask)
        .map(|(x, m)| x * (1.0 - m))
        .collect();
    let bps = Tensor::from_slice(&bps).view([1, 1, -1]);
    let second = sample(&network, &golden, 1, &bps, &given, Some(&overlap));
    let mut window = Window::decode(
        &second,
        &statistics,
        &UnitQuaternion::identity(),
        Orthonormal::Published,
    );
    for q in &mut window.object_rotation {
        *q *= seam.reference();
    }
    let mut blended = window.clone();
    blend::fade(&seam.overlap, &mut blended).expect("a blend");
    let blended = blended.encode(&statistics, &seam.reference(), WINDOW);
    // This network was never trained: its relative rotations are no rotations, and the published code fades their
    // quaternions without making them unit first. Ours are unit before they are faded, which is the same for a trained
    // network. Here the published order of operations is followed for the eight frames where it matters.
    let seen = |row: &[f32]| matrix_to_quaternion(&Matrix3::from_row_slice(&row[OBJECT_ROTATION]));
    let mut as_published = blended.clone();
    for k in 1..OVERLAP - 1 {
        let q = blend::slerp_quaternion(
            &seen(&overlap[k * FEATURES..]),
            &seen(&second[k * FEATURES..]),
            k as f32 / (OVERLAP - 1) as f32,
        );
        let m = UnitQuaternion::new_normalize(q).to_rotation_matrix();
        as_published[k * FEATURES..][OBJECT_ROTATION]
            .copy_from_slice(m.matrix().transpose().as_slice());
    }
    let close = |what: &str, ours: &[f32], published: &[f32]| {
        assert_close(what, ours, published, 1e-3);
    };
    close(
        "mid.blend_R",
        &columns(&as_published, OBJECT_ROTATION),
        &golden.f32("mid.blend_R"),
    );
    for (name, range) in [
        ("mid.blend_com", OBJECT_POSITION),
        ("mid.blend_jpos", JOINT_POSITIONS),
        ("mid.blend_r6d", JOINT_ROTATIONS),
    ] {
        close(name, &columns(&blended, range), &golden.f32(name));
    }
    // At both ends of the fade there is no difference.
    for k in (0..1).chain(OVERLAP - 1..WINDOW) {
        blended[k * FEATURES..][OBJECT_ROTATION]
            .iter()
            .zip(&as_published[k * FEATURES..][OBJECT_ROTATION])
            .for_each(|(a, b)| assert_eq!(a, b));
    }

    seam.join(&mut sequence, window).expect("a sequence");
    assert_eq!(sequence.len(), 2 * WINDOW - OVERLAP);
    let out = sequence.encode(&statistics, &reference, sequence.len());
    for (what, range) in [
        ("object position", OBJECT_POSITION),
        ("joint positions", JOINT_POSITIONS),
        ("joint rotations", JOINT_ROTATIONS),
        ("contact", CONTACT),
    ] {
        close(
            what,
            &columns(&out[kept..], range.clone()),
            &columns(&stitched[kept..], range),
        );
    }
    // Past the eight faded frames.
    let after = kept + (OVERLAP - 1) * FEATURES;
    close(
        "object rotation",
        &columns(&out[after..], OBJECT_ROTATION),
        &columns(&stitched[after..], OBJECT_ROTATION),
    );
}
