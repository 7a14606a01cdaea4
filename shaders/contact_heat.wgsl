// Contact heat: a second skin over a mesh that keeps its own material. On an object it shows how near the nearest palm
// is to each point of the surface; on hands, how near the palm is to the surface. Palms in contact burn hotter.
//
// Drawn over the mesh with its own vertices, blended with premultiplied alpha, writing no depth.

#import bevy_pbr::{
    forward_io::VertexOutput,
    mesh_view_bindings::view,
}

struct ContactHeat {
    // Left and right palm: xyz where it is in the world, metres; w how firmly it touches, 0 to 1.
    palms: array<vec4<f32>, 2>,
    // x, y: distance of the left and the right palm to the object's surface, metres.
    gaps: vec4<f32>,
    // x: distance at which nothing is left, metres. y: opacity, 0 to 1. z: distance between contour lines, metres; 0 for
    // none. w: 0 on objects, 1 on a whole skin, 2 on hands that were cut out of one: those have uv = (share of the hand
    // in the vertex, 0 for the left one and 1 for the right one).
    style: vec4<f32>,
}

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<uniform> heat: ContactHeat;

// Share of the ramp that nearness alone reaches; contact adds the rest.
const NEAR: f32 = 0.55;
// A hand glows to its finger tips, metres from the palm.
const HAND: f32 = 0.2;

// The "inferno" map of matplotlib (public domain), even to the eye and readable by the colour-blind: a polynomial fit,
// made linear.
fn inferno(x: f32) -> vec3<f32> {
    let t = clamp(x, 0.0, 1.0);
    let c0 = vec3(0.00021894036911922, 0.0016510046310010, -0.019480898437091);
    let c1 = vec3(0.10651341948561, 0.56395643678841, 3.9327123888894);
    let c2 = vec3(11.602493082475, -3.9728539656651, -15.942394106291);
    let c3 = vec3(-41.703996131396, 17.436398882052, 44.354145198728);
    let c4 = vec3(77.162935699427, -33.402358942104, -81.807309257389);
    let c5 = vec3(-71.319428244990, 32.626064264027, 73.209519858034);
    let c6 = vec3(25.131126224772, -12.242668952386, -23.070325002872);
    let srgb = c0 + t * (c1 + t * (c2 + t * (c3 + t * (c4 + t * (c5 + t * c6)))));
    return pow(max(srgb, vec3(0.0)), vec3(2.2));
}

// 1 at no distance, 0.05 at the reach, smooth.
fn nearness(distance: f32) -> f32 {
    let d = max(distance, 0.0) / max(heat.style.x, 1e-4);
    return exp(-3.0 * d * d);
}

fn glow(distance: f32, contact: f32) -> f32 {
    return nearness(distance) * mix(NEAR, 1.0, clamp(contact, 0.0, 1.0));
}

@fragment
fn fragment(in: VertexOutput, @builtin(front_facing) is_front: bool) -> @location(0) vec4<f32> {
    let place = in.world_position.xyz;
    let left = distance(place, heat.palms[0].xyz);
    let right = distance(place, heat.palms[1].xyz);
    let nearest = min(left, right);

    // Derivatives belong before any branch.
    let slope = fwidth(nearest);
    let facet = cross(dpdx(place), dpdy(place));

    var value: f32;
    if heat.style.w > 0.5 {
        // Skin belongs to the nearer palm, unless it is known to whom.
        var is_left = left < right;
        var share = 1.0;
#ifdef VERTEX_UVS_A
        if heat.style.w > 1.5 {
            is_left = in.uv.y < 0.5;
            share = smoothstep(0.1, 0.95, in.uv.x);
        }
#endif
        let gap = select(heat.gaps.y, heat.gaps.x, is_left);
        let contact = select(heat.palms[1].w, heat.palms[0].w, is_left);
        let along = select(right, left, is_left) / HAND;
        value = glow(gap, contact) * exp(-along * along) * share;
    } else {
        // Both palms warm the surface between them, and never beyond what is hottest.
        let a = glow(left, heat.palms[0].w);
        let b = glow(right, heat.palms[1].w);
        value = 1.0 - (1.0 - a) * (1.0 - b);
    }

    var alpha = heat.style.y * smoothstep(0.02, 0.4, value);
    var color = inferno(0.2 + 0.78 * value);

#ifdef VERTEX_NORMALS
    var normal = normalize(in.world_normal);
#else
    var normal = normalize(facet);
#endif
    // The shape stays readable: faces that turn away are a little darker.
    let eye = normalize(view.world_position.xyz - place);
    color *= mix(0.62, 1.0, pow(abs(dot(normal, eye)), 0.8));

    let spacing = heat.style.z;
    if spacing > 0.0 && heat.style.w < 0.5 {
        let from_line = abs(fract(nearest / spacing + 0.5) - 0.5) * spacing;
        let line = 1.0 - smoothstep(0.6, 1.6, from_line / max(slope, 1e-6));
        // Lines run together far away and at grazing angles: there they give way to the plain ramp.
        let shown = line * (1.0 - smoothstep(0.15, 0.4, slope / spacing)) * smoothstep(0.06, 0.25, value);
        color = mix(color, vec3(1.0), 0.38 * shown);
        alpha = mix(alpha, max(alpha, 0.8 * heat.style.y), 0.6 * shown);
    }
    return vec4(color * alpha, alpha);
}
