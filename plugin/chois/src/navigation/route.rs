//! A way from one place to another: out of what one stands in, through free space with room to spare, corners rounded.

use nalgebra::Vector2;

use super::map::{Agent, Free, Map};
use crate::scene::ItemId;

/// Room that is kept to both sides where there is room, metres; less is tried in turn.
const ROOM: [f32; 3] = [0.3, 0.15, 0.06];
/// The same where something is carried, for who carries it goes beside it.
const ROOM_BESIDE: [f32; 3] = [0.5, 0.3, 0.1];
/// A way with room to spare may be longer by this share, and by as many metres.
const DETOUR: (f32, f32) = (1.25, 0.4);
/// So short a way is gone as it is: room would be sought and left again. Metres.
const STEPS: f32 = 0.8;
/// Farthest that a place lies from free space, metres.
const STRAY: f32 = 2.0;
/// How much nearer to something a way out of it may lead, metres.
const SQUEEZE: f32 = 0.03;
/// What a metre outside free space counts for, in metres within, and what one nearer to something does.
const STUB: f32 = 2.0;
const NEARER: f32 = 10.0;
/// Largest part of a leg that rounding its corner takes, metres.
const CORNER: f32 = 0.6;
/// Narrowest gap that is looked for, metres.
const NARROWEST: f32 = 0.04;

/// A way. Metres.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// From the start to the goal.
    pub points: Vec<Vector2<f32>>,
    /// The points of this range are in free space. Those before lead out of where the start is too near to something,
    /// those behind lead in to where the goal is.
    pub free: std::ops::Range<usize>,
}

impl Route {
    /// Metres.
    pub fn length(&self) -> f32 {
        length(&self.points)
    }
}

pub(super) fn length(points: &[Vector2<f32>]) -> f32 {
    points.windows(2).map(|p| (p[1] - p[0]).norm()).sum()
}

/// Why there is no way.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Dead {
    /// None, however narrow the agent.
    End,
    /// The widest way's narrowest gap, metres, and where it is.
    Narrow { gap: f32, at: Vector2<f32> },
}

/// What is asked of a way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends<'a> {
    pub from: Vector2<f32>,
    pub to: Vector2<f32>,
    /// Items that are no obstacle: what is carried.
    pub without: &'a [ItemId],
}

/// The way of an agent, with room to spare where there is room; why there is none costs as much as many ways.
pub(super) fn find(map: &mut Map, agent: &Agent, ends: Ends<'_>) -> Result<Route, Dead> {
    any(map, agent, ends).ok_or_else(|| dead(map, agent, ends))
}

/// The same where it does not matter why there is none.
pub(super) fn any(map: &mut Map, agent: &Agent, ends: Ends<'_>) -> Option<Route> {
    let (tight, squeezed) = through(map, agent, ends, [f32::INFINITY; 2])?;
    let hard = map.free(agent, ends.without);
    if tight.length() < STEPS {
        return Some(rounded(tight, &hard));
    }
    let limit = tight.length() * DETOUR.0 + DETOUR.1;
    let carries = agent.carried > agent.person + 1e-3;
    for room in if carries { ROOM_BESIDE } else { ROOM } {
        // Where free space begins far off, the way there may be narrower than without that room.
        let roomy = through(map, &agent.with_room(room), ends, squeezed);
        if let Some((route, _)) = roomy.filter(|(route, _)| route.length() <= limit) {
            return Some(rounded(route, &hard));
        }
    }
    Some(rounded(tight, &hard))
}

/// The shortest way, and how much nearer to something than its ends are it comes out of the first and in to the last, metres:
/// no more than `most`.
fn through(
    map: &mut Map,
    agent: &Agent,
    ends: Ends<'_>,
    most: [f32; 2],
) -> Option<(Route, [f32; 2])> {
    let free = map.free(agent, ends.without);
    let out = exits(map, &free, ends.from, ends.without, most[0]);
    let into = exits(map, &free, ends.to, ends.without, most[1]);
    let mut best: Option<(f32, Route, [f32; 2])> = None;
    for leave in &out {
        for enter in &into {
            let (leaves, enters) = (leave.at, enter.at);
            let squeezed = [leave.nearer, enter.nearer];
            let beyond = (leaves - ends.from).norm() + (enters - ends.to).norm();
            let beyond = STUB * beyond + NEARER * squeezed.iter().sum::<f32>();
            let least = beyond + (enters - leaves).norm();
            if leave.piece != enter.piece || best.as_ref().is_some_and(|(cost, ..)| least >= *cost)
            {
                continue;
            }
            let Some(way) = free.way(leave.piece, leaves, enters) else {
                continue;
            };
            let cost = beyond + length(&way);
            if best.as_ref().is_some_and(|(other, ..)| cost >= *other) {
                continue;
            }
            let mut points = vec![ends.from];
            let mut begin = 0;
            if (leaves - ends.from).norm() > 1e-6 {
                begin = 1;
                points.push(leaves);
            }
            points.extend(way.into_iter().skip(1));
            let end = points.len();
            if (enters - ends.to).norm() > 1e-6 {
                points.push(ends.to);
            }
            let route = Route {
                points,
                free: begin..end,
            };
            best = Some((cost, route, squeezed));
        }
    }
    best.map(|(_, route, squeezed)| (tidy(route), squeezed))
}

/// A free point that a straight line leads to from a place that is not.
#[derive(Clone, Copy, Debug)]
struct Exit {
    piece: usize,
    at: Vector2<f32>,
    /// How much nearer to something than the place itself the line comes, metres.
    nearer: f32,
}

/// Free points that lead out of a place without going through anything, nor nearer to it than by `most` metres: those that
/// come no nearer to anything than the place is, where there are such.
fn exits(map: &Map, free: &Free, from: Vector2<f32>, without: &[ItemId], most: f32) -> Vec<Exit> {
    let open = |to: Vector2<f32>| (to - from).norm() <= STRAY && !map.blocked(from, to, without);
    if let Some(piece) = free.piece(from) {
        return vec![Exit {
            piece,
            at: from,
            nearer: 0.0,
        }];
    }
    let room = map.clearance(from, without) - SQUEEZE;
    let nearer = |to: Vector2<f32>| {
        let way = sampled(&[from, to], 0.08);
        let least = (way.iter())
            .map(|p| map.nearest(*p, without, room))
            .fold(room, f32::min);
        room - least
    };
    let mut found: Vec<(usize, Vector2<f32>)> = free
        .nearest(from)
        .into_iter()
        .filter(|(_, to)| open(*to))
        .collect();
    // The nearest may be behind something, or lead the wrong way.
    for k in 0..12 {
        let angle = std::f32::consts::TAU * k as f32 / 12.0;
        let way = Vector2::new(angle.cos(), angle.sin());
        for step in 1..=20 {
            let to = from + way * (STRAY * step as f32 / 20.0);
            if let Some(piece) = free.piece(to) {
                if open(to) {
                    found.push((piece, to));
                }
                break;
            }
        }
    }
    found.sort_by(|a, b| (a.1 - from).norm().total_cmp(&(b.1 - from).norm()));
    found.truncate(12);
    let mut exits: Vec<Exit> = (found.into_iter())
        .map(|(piece, at)| Exit {
            piece,
            at,
            nearer: nearer(at),
        })
        .collect();
    let easy = exits.iter().any(|exit| exit.nearer <= 0.0);
    let most = if easy { 0.0 } else { most };
    exits.retain(|exit| exit.nearer <= most);
    exits
}

/// Without points that coincide.
fn tidy(route: Route) -> Route {
    let mut points: Vec<Vector2<f32>> = Vec::with_capacity(route.points.len());
    let (mut begin, mut end) = (route.free.start, route.free.end);
    for (i, p) in route.points.iter().enumerate() {
        let same = points.last().is_some_and(|q| (p - q).norm() < 1e-4);
        if same && i + 1 < route.points.len() {
            begin -= usize::from(i < route.free.start);
            end -= usize::from(i < route.free.end);
            continue;
        }
        points.push(*p);
    }
    end = end.min(points.len());
    Route {
        points,
        free: begin.min(end)..end,
    }
}

/// The narrowest place of the widest way.
fn dead(map: &mut Map, agent: &Agent, ends: Ends<'_>) -> Dead {
    let slim = |radius: f32| Agent {
        person: radius.min(agent.person),
        carried: radius,
        ..*agent
    };
    let narrowest = NARROWEST / 2.0;
    let anyhow = [f32::INFINITY; 2];
    let Some((mut widest, _)) = through(map, &slim(narrowest), ends, anyhow) else {
        return Dead::End;
    };
    let (mut passes, mut fails) = (narrowest, agent.carried);
    while fails - passes > 0.01 {
        let middle = (passes + fails) / 2.0;
        match through(map, &slim(middle), ends, anyhow) {
            Some((route, _)) => {
                passes = middle;
                widest = route;
            }
            None => fails = middle,
        }
    }
    let inner = &widest.points[widest.free.clone()];
    let at = sampled(inner, 0.05)
        .into_iter()
        .min_by(|a, b| {
            let clear = |p: &Vector2<f32>| map.clearance(*p, ends.without);
            clear(a).total_cmp(&clear(b))
        })
        .unwrap_or(ends.to);
    Dead::Narrow {
        gap: passes * 2.0,
        at,
    }
}

/// Points along a way, no farther apart than `step` metres.
pub(super) fn sampled(points: &[Vector2<f32>], step: f32) -> Vec<Vector2<f32>> {
    let mut found: Vec<Vector2<f32>> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let steps = ((pair[1] - pair[0]).norm() / step).ceil().clamp(1.0, 1e5) as usize;
        found.extend((1..=steps).map(|k| pair[0].lerp(&pair[1], k as f32 / steps as f32)));
    }
    found
}

/// The way with its corners rounded as far as that stays in free space.
fn rounded(route: Route, free: &Free) -> Route {
    let points = &route.points;
    let inner = |i: usize| i > route.free.start && i + 1 < route.free.end;
    let mut smooth: Vec<Vector2<f32>> = vec![points[0]];
    let (mut begin, mut end) = (route.free.start, route.free.end);
    for i in 1..points.len().saturating_sub(1) {
        let (a, b, c) = (points[i - 1], points[i], points[i + 1]);
        let mut curve = vec![b];
        if inner(i) {
            let mut cut = CORNER.min((b - a).norm() / 2.0).min((c - b).norm() / 2.0);
            while cut > 0.03 {
                let p = b + (a - b).normalize() * cut;
                let q = b + (c - b).normalize() * cut;
                let bow: Vec<Vector2<f32>> = (0..=6)
                    .map(|k| {
                        let t = k as f32 / 6.0;
                        p.lerp(&b, t).lerp(&b.lerp(&q, t), t)
                    })
                    .collect();
                if bow.windows(2).all(|s| free.sees(s[0], s[1])) {
                    curve = bow;
                    break;
                }
                cut /= 2.0;
            }
        }
        let more = curve.len() - 1;
        begin += more * usize::from(i < route.free.start);
        end += more * usize::from(i < route.free.end);
        smooth.extend(curve);
    }
    if points.len() > 1 {
        smooth.push(points[points.len() - 1]);
    }
    Route {
        points: smooth,
        free: begin..end,
    }
}
