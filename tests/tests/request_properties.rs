//! Request files of any content: an error in words or requests that can be planned.

use std::path::{Path, PathBuf};

use chois::contact::{ContactConfig, Material};
use chois::geometry::UpAxis;
use chois::motion::FPS;
use chois::request::file::{Job, parse_jobs};
use chois::request::plan::{Plan, relaxed};
use chois::request::{
    EndTurn, GuidanceConfig, InHand, InteractionRequest, MAX_SPEED, Method, ObjectPlace,
    PersonPlace, SamplingConfig, Variation, Waypoint,
};
use chois_tests::tiny;
use nalgebra::{UnitQuaternion, Vector2, Vector3};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

/// Any number at all, with those that are easily forgotten.
fn wild() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -3.0_f32..3.0,
        1 => any::<f32>(),
        1 => prop::sample::select(vec![
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            f32::MIN_POSITIVE,
            0.0,
            -0.0,
            1e9,
            4_000.0,
            4_001.0,
        ]),
    ]
}

/// A number that is mostly usable.
fn tame(range: std::ops::Range<f32>) -> impl Strategy<Value = f32> {
    prop_oneof![30 => range, 1 => wild()]
}

fn places<const N: usize>(
    number: impl Strategy<Value = f32> + Clone,
) -> impl Strategy<Value = [f32; N]> + Clone {
    vec(number, N).prop_map(|v| std::array::from_fn(|i| v[i]))
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[A-Z][a-z ]{1,40}\\.",
        3 => any::<String>(),
        1 => (1990_usize..2010).prop_map(|n| "x".repeat(n)),
    ]
}

fn guidance() -> impl Strategy<Value = GuidanceConfig> {
    // Sixteenths, because JSON's reader may miss the last bit of a long fraction.
    let usual = || (0_u8..=160).prop_map(|w| f64::from(w) / 16.0);
    let odd = || prop::sample::select(vec![f64::NAN, f64::INFINITY, -0.5, 10.5, 1e300]);
    let weight = || prop_oneof![30 => usual(), 1 => odd()];
    (vec(weight(), 7), 0_usize..12_000, 0_usize..110).prop_map(|(w, last_steps, iterations)| {
        GuidanceConfig {
            contact: w[0],
            consistency: w[1],
            object_floor: w[2],
            feet_floor: w[3],
            feet_slide: w[4],
            given: w[5],
            scene: w[6],
            last_steps,
            iterations,
        }
    })
}

/// Requests, most of them nearly valid, drawing their places from `place`.
fn requests(
    place: impl Strategy<Value = f32> + Clone + 'static,
    height: impl Strategy<Value = f32> + Clone + 'static,
    seconds: impl Strategy<Value = f32> + 'static,
) -> impl Strategy<Value = InteractionRequest> {
    let waypoint = (places::<2>(place.clone()), option::weighted(0.1, wild()));
    let at = (places::<2>(place.clone()), height);
    (
        (texts(), at.clone(), wild_rarely(), option::of(at)),
        vec(waypoint, 0..6),
        option::of((places::<2>(place), wild_rarely())),
        (seconds, any::<u64>()),
        (
            prop::sample::select(vec![Method::FewStep, Method::Ddim, Method::Ancestral]),
            prop_oneof![20 => 1_usize..50, 1 => any::<u32>().prop_map(|n| n as usize)],
        ),
        prop_oneof![Just(GuidanceConfig::default()), guidance()],
        (
            option::weighted(0.2, places::<4>(-1.0_f32..1.0)),
            option::weighted(0.3, (wild_rarely(), 0_u32..20)),
        ),
    )
        .prop_map(
            |(
                (text, start, yaw, end),
                waypoints,
                person,
                (seconds, seed),
                how,
                guidance,
                (turn, ends),
            )| {
                let high = |(p, z): ([f32; 2], f32)| [p[0], p[1], z];
                InteractionRequest {
                    text,
                    start: ObjectPlace {
                        position: high(start),
                        yaw,
                        rotation: turn.map(|q| {
                            let norm = q.iter().map(|v| v * v).sum::<f32>().sqrt();
                            q.map(|v| v / norm)
                        }),
                    },
                    waypoints: waypoints
                        .into_iter()
                        .map(|(at, time)| Waypoint { at, time })
                        .collect(),
                    end: end.map(high),
                    end_turn: ends.map(|(yaw, alike)| EndTurn { yaw, alike }),
                    in_hand: InHand {
                        start: seed % 5 == 1,
                        end: seed % 3 == 1,
                    },
                    pose: None,
                    person: person.map(|(position, facing)| PersonPlace { position, facing }),
                    seconds,
                    keys: Vec::new(),
                    seed,
                    variations: vec![Variation {
                        seed: seed.wrapping_add(1),
                        amount: 0.3,
                    }],
                    sampling: SamplingConfig {
                        method: how.0,
                        steps: how.1,
                    },
                    guidance,
                }
            },
        )
}

fn wild_rarely() -> impl Strategy<Value = f32> + Clone {
    prop_oneof![30 => -360.0_f32..360.0, 1 => any::<f32>(), 1 => Just(f32::NAN)]
}

fn any_request() -> impl Strategy<Value = InteractionRequest> {
    requests(
        std::rc::Rc::new(tame(-3.0..3.0)),
        std::rc::Rc::new(tame(-0.05..2.5)),
        tame(1.0..20.0),
    )
}

fn job(request: InteractionRequest) -> Job {
    Job {
        object: PathBuf::from("objects/box.glb"),
        up: Some(UpAxis::Z),
        scene: None,
        scene_up: None,
        out: Some(PathBuf::from("carry.glb")),
        clip: None,
        request,
        contact: ContactConfig {
            mass: Some(3.5),
            material: Material::Plastic,
            ..ContactConfig::default()
        },
    }
}

/// What reading a job from a file of the folder `f` gives.
fn read_from_f(mut job: Job) -> Job {
    job.object = Path::new("f").join(&job.object);
    job.out = job.out.map(|p| Path::new("f").join(p));
    job
}

/// Every number of a request that a file holds.
fn numbers(r: &InteractionRequest) -> Vec<f64> {
    let g = &r.guidance;
    let mut all = vec![
        g.contact,
        g.consistency,
        g.object_floor,
        g.feet_floor,
        g.feet_slide,
        g.given,
        g.scene,
    ];
    let mut add = |values: &[f32]| all.extend(values.iter().map(|v| f64::from(*v)));
    add(&r.start.position);
    add(&[r.start.yaw, r.seconds]);
    add(r.start.rotation.as_ref().map_or(&[], |q| q));
    add(r.end.as_ref().map_or(&[], |e| e));
    for w in &r.waypoints {
        add(&w.at);
        add(w.time.as_slice());
    }
    if let Some(p) = &r.person {
        add(&p.position);
        add(&[p.facing]);
    }
    all
}

/// One sentence that begins with the file and names one place in it.
fn is_one_clear_sentence(error: &chois::Error, name: &str) -> bool {
    let text = error.to_string();
    text.starts_with(name) && !text.contains('\n') && text.len() < 2000
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn files_are_read_exactly_when_their_request_is_valid(request in any_request()) {
        let job = job(request.clone());
        let valid = request.validate();
        let ron = ron::to_string(&job).expect("RON");
        let json = serde_json::to_string(&job).expect("JSON");
        let read = parse_jobs(ron.as_bytes(), Path::new("f/jobs.ron"));
        prop_assert_eq!(read.is_ok(), valid.is_ok(), "{:?} of {}", read, ron);
        match read {
            Ok(jobs) => prop_assert_eq!(jobs, vec![read_from_f(job.clone())]),
            Err(error) => prop_assert!(is_one_clear_sentence(&error, "f/jobs.ron"), "{error}"),
        }
        let read = parse_jobs(json.as_bytes(), Path::new("f/jobs.json"));
        // JSON has no word for such numbers and writes null, which may stand for "not given".
        if numbers(&request).iter().all(|v| v.is_finite()) {
            prop_assert_eq!(read.is_ok(), valid.is_ok(), "{:?} of {}", read, json);
        }
        match read {
            Ok(jobs) if valid.is_ok() => prop_assert_eq!(jobs, vec![read_from_f(job)]),
            Ok(_) => (),
            Err(error) => prop_assert!(is_one_clear_sentence(&error, "f/jobs.json"), "{error}"),
        }
    }

    #[test]
    fn any_bytes_are_refused_in_words(bytes in vec(any::<u8>(), 0..300), ron in any::<bool>()) {
        let name = if ron { "x.ron" } else { "x.json" };
        let error = parse_jobs(&bytes, Path::new(name)).expect_err("no request");
        prop_assert!(error.to_string().starts_with("x."), "{error}");
    }

    #[test]
    fn damaged_files_never_panic(
        request in any_request(),
        damage in vec((any::<Index>(), any::<u8>(), 0_u8..4), 1..6),
        ron in any::<bool>(),
    ) {
        let (name, text) = if ron {
            ("x.ron", ron::to_string(&vec![job(request)]).expect("RON"))
        } else {
            ("x.json", serde_json::to_string(&vec![job(request)]).expect("JSON"))
        };
        let mut bytes = text.into_bytes();
        for (place, byte, how) in damage {
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at + 1),
            }
            if bytes.is_empty() {
                break;
            }
        }
        if let Ok(jobs) = parse_jobs(&bytes, Path::new(name)) {
            for job in jobs {
                prop_assert!(job.request.validate().is_ok());
            }
        }
    }

    #[test]
    fn plans_begin_pass_and_end_where_asked(
        request in requests(
            std::rc::Rc::new(-2.5_f32..2.5),
            std::rc::Rc::new(-0.05_f32..2.5),
            prop_oneof![1.0_f32..60.0, 8.0_f32..20.0],
        ),
        shares in vec(0.01_f32..1.0, 7),
        timed in any::<bool>(),
    ) {
        let mut request = request;
        if timed {
            // Times in order, with any rhythm.
            let total: f32 = shares[..=request.waypoints.len()].iter().sum();
            let mut time = 0.0;
            for (w, share) in request.waypoints.iter_mut().zip(&shares) {
                time += share / total * request.seconds;
                w.time = Some(time);
            }
        } else {
            request.waypoints.iter_mut().for_each(|w| w.time = None);
        }
        let checkpoint = tiny::checkpoint();
        let object = tiny::object();
        let plan = Plan::new(&request, &object, &checkpoint.skeleton(), &relaxed());
        let Ok(plan) = plan else {
            let error = plan.expect_err("refused");
            if request.validate().is_ok() {
                let text = error.to_string();
                prop_assert!(text.contains("m/s; the limit is 2.2 m/s"), "{text}");
            }
            return Ok(());
        };
        prop_assert!(request.validate().is_ok());
        let frames = request.frames();
        prop_assert_eq!((plan.path.len(), plan.heights.len()), (frames, frames));
        prop_assert!(plan.path.iter().flatten().chain(&plan.heights).all(|v| v.is_finite()));
        prop_assert!(plan.pose.root.iter().all(|v| v.is_finite()));
        prop_assert!(plan.pose.rotations.iter().all(|q| (q.norm() - 1.0).abs() < 1e-3));
        let start = request.start.position;
        let last = request.waypoints.last().map_or([start[0], start[1]], |w| w.at);
        let end = request.end.unwrap_or([last[0], last[1], start[2]]);
        let near = |frame: usize, x: f32, y: f32, within: f32| {
            let off = (plan.path[frame] - Vector2::new(x, y)).norm();
            prop_assert!(off < within, "{off} m off at frame {frame} of {frames}");
            Ok(())
        };
        near(0, start[0], start[1], 1e-3)?;
        near(frames - 1, end[0], end[1], 5e-3)?;
        // It ends as it stands: as it stood at the start, or upright where it hung a little askew in hand.
        let rest = |rotation| -object.lowest(rotation);
        prop_assert!((plan.heights[0] - start[2] - rest(&plan.rotation)).abs() < 1e-4);
        prop_assert!((plan.heights[frames - 1] - end[2] - rest(&plan.standing)).abs() < 1e-4);
        let lean = |q: &UnitQuaternion<f32>| (q * Vector3::z()).angle(&Vector3::z());
        if !request.in_hand.start || request.in_hand.end {
            prop_assert_eq!(plan.standing, plan.rotation);
        } else if lean(&plan.rotation) < 0.39 {
            prop_assert!(lean(&plan.standing) < 1e-3, "stands askew");
        } else if lean(&plan.rotation) > 0.41 {
            prop_assert_eq!(plan.standing, plan.rotation);
        }
        let [until, from] = plan.rest;
        prop_assert!(until.is_none() || !request.in_hand.start);
        prop_assert!(from.is_none() || !request.in_hand.end);
        for (frames, still) in [(0..until.map_or(0, |f| f + 1), 0), (from.unwrap_or(frames)..frames, frames - 1)] {
            for t in frames {
                prop_assert!((plan.path[t] - plan.path[still]).norm() < 5e-3, "moves at {t}");
                prop_assert!((plan.heights[t] - plan.heights[still]).abs() < 5e-3, "is lifted at {t}");
            }
        }
        for keys in [&plan.path_keys, &plan.height_keys] {
            prop_assert!(keys.is_sorted() && keys.iter().all(|t| *t < frames), "{keys:?}");
        }
        prop_assert_eq!(plan.waypoint_frames.len(), request.waypoints.len());
        prop_assert!(plan.waypoint_frames.is_sorted());
        for (frame, w) in plan.waypoint_frames.iter().zip(&request.waypoints) {
            // A frame of the fastest motion.
            near(*frame, w.at[0], w.at[1], MAX_SPEED / FPS + 2e-3)?;
        }
        let fastest = plan.path.windows(2).map(|p| (p[1] - p[0]).norm() * FPS).fold(0.0, f32::max);
        prop_assert!(fastest <= MAX_SPEED * 1.001, "{fastest} m/s");
    }
}
