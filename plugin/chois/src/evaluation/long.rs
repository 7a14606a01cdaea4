//! Long sequences: the sentences and objects of a data set carried along winding paths, several windows each.
//!
//! The paper plans its long sequences through scanned rooms, which are not at hand; paths here wind over an empty floor, as
//! closely spaced and as fast as the paper's (specification, section 9). There is nothing captured to compare with: the
//! measures are those of [`LongMetrics`], against the plan.

use std::collections::BTreeSet;

use nalgebra::Vector3;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::metrics::{LONG_STRIDE, LongMetrics, Trajectory};
use super::windows::object;
use crate::diffusion::Flow;
use crate::error::{Error, Result};
use crate::geometry::ObjectGeometry;
use crate::motion::{FPS, WINDOW};
use crate::request::{GuidanceConfig, InteractionRequest, SamplingConfig};
use crate::synthesis::{Order, Synthesizer};
use crate::training::dataset::Dataset;

/// Fewest and most windows of a sequence.
pub const WINDOWS: std::ops::RangeInclusive<usize> = 2..=12;

/// Most sequences: more take long and say little more.
const MOST: usize = 24;
/// Metres between waypoints: the paper resamples its paths to 0.7 to 0.8 m, one for each second of motion.
const LEG: f32 = 0.75;
/// Seconds in which the object is taken and set down.
const AT_ENDS: f32 = 3.0;
/// The most by which a path turns at a waypoint, radians.
const BEND: f32 = 0.6;

/// A sequence to be made.
pub struct Sequence<'a> {
    /// The object.
    pub object: &'a ObjectGeometry,
    /// What is asked for; sampling, guidance and seed are set when it is made.
    pub request: InteractionRequest,
}

/// One sequence of so many windows for each object and sentence of `data`, of many an even choice of 24. Paths differ from sequence to sequence but are
/// always the same: what varies between seeds is the motion.
///
/// # Errors
/// [`Error::Invalid`] when `windows` is not in [`WINDOWS`] or no clip shows an object.
pub fn sequences(data: &Dataset, windows: usize) -> Result<Vec<Sequence<'_>>> {
    if !WINDOWS.contains(&windows) {
        return Err(Error::invalid(
            "long",
            format!(
                "{windows} windows; give {} to {}",
                WINDOWS.start(),
                WINDOWS.end()
            ),
        ));
    }
    let seconds = (WINDOW + LONG_STRIDE * (windows - 1)) as f32 / FPS;
    let legs = ((seconds - AT_ENDS) as usize).max(1);
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for source in &data.sources {
        let Ok(object) = object(source) else {
            continue;
        };
        if !seen.insert((object.name().to_owned(), source.text.clone())) {
            continue;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(out.len() as u64);
        let (mut at, mut heading) = ([0.0_f32; 2], 0.0_f32);
        let mut places: Vec<[f32; 2]> = (0..legs)
            .map(|_| {
                heading += rng.random_range(-BEND..BEND);
                at = [at[0] + LEG * heading.cos(), at[1] + LEG * heading.sin()];
                at
            })
            .collect();
        let end = places.pop().unwrap_or(at);
        out.push(Sequence {
            object,
            request: InteractionRequest::new(&source.text)
                .waypoints(places)
                .end([end[0], end[1], 0.0])
                .seconds(seconds),
        });
    }
    if out.is_empty() {
        return Err(Error::invalid(
            "long",
            "no clip of the data shows an object that could be carried",
        ));
    }
    let step = out.len().div_ceil(MOST);
    Ok(out.into_iter().step_by(step).collect())
}

/// Generates the sequences, the first with `seed`, and measures each. `each` hears of every sequence that is done.
///
/// # Errors
/// Those of [`Synthesizer::generate_batch`]; [`Error::Cancelled`].
pub fn evaluate(
    synthesizer: &mut Synthesizer,
    sequences: &[Sequence<'_>],
    sampling: SamplingConfig,
    guidance: GuidanceConfig,
    seed: u64,
    each: &mut dyn FnMut() -> Flow,
) -> Result<Vec<LongMetrics>> {
    let requests: Vec<InteractionRequest> = (0_u64..)
        .zip(sequences)
        .map(|(n, sequence)| InteractionRequest {
            sampling,
            guidance,
            seed: seed.wrapping_add(n),
            ..sequence.request.clone()
        })
        .collect();
    let orders: Vec<Order<'_>> = sequences
        .iter()
        .zip(&requests)
        .map(|(sequence, request)| Order {
            request,
            object: sequence.object,
            scene: None,
        })
        .collect();
    let mut out: Vec<Option<Result<LongMetrics>>> = orders.iter().map(|_| None).collect();
    let mut cancelled = false;
    synthesizer.generate_batch(
        &orders,
        &mut |_, _| Flow::Continue,
        &mut |index, generated| {
            out[index] = Some(generated.and_then(|generated| {
                let plan = &generated.plan;
                let centers: Vec<Vector3<f32>> = (plan.path.iter().zip(&plan.heights))
                    .map(|(xy, z)| Vector3::new(xy.x, xy.y, *z))
                    .collect();
                let motion = Trajectory::from_clip(&generated.clip, orders[index].object);
                LongMetrics::of(&motion, &centers)
            }));
            cancelled |= each() == Flow::Cancel;
        },
    );
    if cancelled {
        return Err(Error::Cancelled);
    }
    out.into_iter()
        .map(|one| one.unwrap_or(Err(Error::Cancelled)))
        .collect()
}
