// A ribbon on the floor along an object's path: colour is speed, chevrons point where it goes, a tick crosses it every
// second, and a bead marks the present.
//
// Vertices carry uv = (metres across from the middle line, metres along it) and uv_b = (seconds, metres a second).
// Where uv_b.y is negative the vertex belongs to the marker of a place: uv is metres about its centre, and uv_b.y is
// minus its kind.

#import bevy_pbr::{
    forward_io::VertexOutput,
    mesh_view_bindings::globals,
}

struct Ribbon {
    // Linear colours: standing still, at the limit, over the limit.
    slow: vec4<f32>,
    fast: vec4<f32>,
    unreachable: vec4<f32>,
    // x: width, metres. y: length of the path, metres. z: the present, seconds; negative for none. w: the limit, m/s.
    extent: vec4<f32>,
    // x: distance between chevrons, metres; 0 for none. y: how fast they move, m/s. z: seconds between ticks, 0 for none.
    // w: opacity, 0 to 1.
    marks: vec4<f32>,
}

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<uniform> ribbon: Ribbon;

// What frames light marks on light floors and dark ones alike.
const INK: vec3<f32> = vec3(0.012, 0.014, 0.02);
const PAPER: vec3<f32> = vec3(0.93, 0.95, 0.97);

const START: f32 = 1.0;
const WAYPOINT: f32 = 2.0;
const GOAL: f32 = 3.0;

// How much of a pixel lies inside a shape, from the signed distance to its edge (negative inside) in metres.
fn inside(signed_distance: f32, pixel: f32) -> f32 {
    return 1.0 - smoothstep(-0.5 * pixel, 0.5 * pixel, signed_distance);
}

// A colour with alpha over another one, both premultiplied.
fn over(top: vec3<f32>, alpha: f32, below: vec4<f32>) -> vec4<f32> {
    return vec4(top * alpha, alpha) + below * (1.0 - alpha);
}

fn speed_color(speed: f32, place: vec2<f32>, pixel: f32) -> vec3<f32> {
    let limit = max(ribbon.extent.w, 1e-3);
    let share = clamp(speed / limit, 0.0, 1.0);
    // Through a full green middle of its own brightness: the straight way from blue to amber is a dull pink, that through
    // a pale green is grey on a sunlit floor.
    let middle = vec3(
        0.5 * ribbon.slow.r + 0.05 * ribbon.fast.r,
        0.85 * max(ribbon.slow.g, ribbon.fast.g),
        0.15 * max(ribbon.slow.b, ribbon.fast.b),
    );
    let below = mix(
        mix(ribbon.slow.rgb, middle, smoothstep(0.0, 0.5, share)),
        ribbon.fast.rgb,
        smoothstep(0.5, 1.0, share),
    );
    // Too fast is red, and striped for those who see no red.
    let stripe = abs(fract((place.x + place.y) / 0.05) - 0.5) * 0.05 - 0.0125;
    let striped = mix(ribbon.unreachable.rgb, ribbon.unreachable.rgb * 0.35, inside(stripe, pixel));
    return mix(below, striped, smoothstep(limit, limit * 1.02, speed));
}

fn marker(kind: f32, place: vec2<f32>, half: f32, pixel: f32) -> vec4<f32> {
    let r = length(place);
    var out = vec4(0.0);
    if kind > GOAL - 0.5 {
        // Where it ends: a target.
        let outer = half * 1.3;
        out = over(INK, 0.55 * (1.0 - smoothstep(outer, outer + 0.035, r)), out);
        out = over(PAPER, inside(r - outer, pixel), out);
        out = over(INK, inside(r - outer * 0.8, pixel), out);
        out = over(PAPER, inside(r - outer * 0.58, pixel), out);
        out = over(INK, inside(r - outer * 0.26, pixel), out);
    } else if kind > WAYPOINT - 0.5 {
        // On the way: a ring.
        let outer = half * 0.72;
        out = over(INK, 0.9 * inside(r - outer, pixel), out);
        out = over(PAPER, inside(abs(r - outer * 0.72) - outer * 0.15, pixel), out);
    } else {
        // Where it begins: a full dot.
        let outer = half * 0.85;
        out = over(INK, 0.9 * inside(r - outer, pixel), out);
        out = over(PAPER, inside(r - outer * 0.7, pixel), out);
    }
    return out * ribbon.marks.w;
}

@fragment
fn fragment(in: VertexOutput) -> @location(0) vec4<f32> {
    let place = in.uv;
    let seconds = in.uv_b.x;
    let speed = in.uv_b.y;
    let half = 0.5 * ribbon.extent.x;
    let length_along = ribbon.extent.y;
    // Derivatives belong before any branch.
    let pixel = max(max(length(dpdx(place)), length(dpdy(place))), 1e-5);

    if speed < -0.5 {
        return marker(-speed, place, half, pixel);
    }

    let across = abs(place.x);
    let along = place.y;
    // Round ends.
    let beyond = max(max(-along, along - length_along), 0.0);
    let edge = length(vec2(across, beyond)) - half;

    // A dark casing that fades out, then the coloured band.
    let rim = 0.16 * half;
    var out = vec4(0.0);
    out = over(INK, 0.5 * (1.0 - smoothstep(-rim, 0.3 * half, edge)), out);
    let band = inside(edge + rim, pixel);
    // What is behind the present recedes: grey and dark rather than thin, for on a sunlit floor thin is invisible.
    let now = ribbon.extent.z;
    let past = select(0.0, smoothstep(0.0, 0.08, now - seconds), now >= 0.0);
    let bright = speed_color(speed, place, pixel);
    let grey = vec3(0.5 * dot(bright, vec3(0.2126, 0.7152, 0.0722)));
    let hue = mix(bright, grey, 0.65 * past);
    out = over(hue, 0.92 * band, out);
    // A thin lighter line inside the edge, where it is more than a pixel: from afar it would make the whole band pale.
    let fine = 1.0 - smoothstep(0.15, 0.5, pixel / rim);
    out = over(mix(hue, PAPER, 0.45), 0.8 * fine * inside(abs(edge + rim * 1.35) - rim * 0.28, pixel), out);

    out *= mix(1.0, 0.85, past);

    let spacing = ribbon.marks.x;
    if spacing > 0.0 {
        // Chevrons: stripes whose middle leads, moving forward.
        let lead = along + across * 0.9 - half * 0.45;
        let phase = fract((lead - globals.time * ribbon.marks.y) / spacing);
        let from_middle = abs(phase - 0.5) * spacing - 0.15 * half;
        let arms = inside(across - half * 0.56, pixel) * step(beyond, 0.0);
        // They give way to the marks at both ends, and to the plain band where they would flicker.
        let clear = smoothstep(half, half * 2.0, min(along, length_along - along));
        let shown = 1.0 - smoothstep(0.06, 0.16, pixel / spacing);
        out = over(PAPER, 0.9 * inside(from_middle, pixel) * arms * clear * shown, out);
    }

    let every = ribbon.marks.z;
    if every > 0.0 && speed > 0.02 && beyond <= 0.0 {
        let nearest = round(seconds / every) * every;
        let away = abs(seconds - nearest) * speed;
        if nearest > 0.5 * every {
            // Long enough to stick out, in ink and paper.
            let reach = half * 1.12;
            let ink = inside(max(away - 0.016, across - reach - 0.006), pixel);
            let paper = inside(max(away - 0.008, across - reach), pixel);
            out = over(INK, 0.85 * ink, out);
            out = over(PAPER, paper, out);
        }
    }

    if now >= 0.0 && beyond <= 0.0 {
        let bead = length(vec2(place.x, (seconds - now) * speed));
        // Standing still, the bead would be as long as the pause.
        let moving = smoothstep(0.02, 0.1, speed);
        out = over(INK, 0.9 * moving * inside(bead - half * 0.62, pixel), out);
        out = over(PAPER, moving * inside(bead - half * 0.5, pixel), out);
        out = over(bright, moving * inside(bead - half * 0.3, pixel), out);
    }
    return out * ribbon.marks.w;
}
