// Ghosts: people and objects at other times, thin where they face the eye and bright at their outline.
//
// Every ghost is drawn twice: first its depth alone (DEPTH_ONLY), then its colour on the nearest surface only, so that
// no arm shines through a chest.

#import bevy_pbr::{
    forward_io::VertexOutput,
    mesh_view_bindings::view,
}

struct Ghost {
    // Linear colour; w is opacity, 0 to 1.
    color: vec4<f32>,
    // x: share of the opacity that is left face on. y: sharpness of the outline.
    style: vec4<f32>,
}

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<uniform> ghost: Ghost;

@fragment
fn fragment(in: VertexOutput) -> @location(0) vec4<f32> {
#ifdef DEPTH_ONLY
    return vec4(0.0);
#else
    let place = in.world_position.xyz;
#ifdef VERTEX_NORMALS
    let normal = normalize(in.world_normal);
#else
    let normal = normalize(cross(dpdx(place), dpdy(place)));
#endif
    // An orthographic eye looks along its own axis from everywhere.
    let perspective = view.clip_from_view[3].w == 0.0;
    let eye = normalize(select(
        view.world_from_view[2].xyz,
        view.world_position.xyz - place,
        perspective,
    ));
    let facing = clamp(abs(dot(normal, eye)), 0.0, 1.0);
    let outline = pow(1.0 - facing, max(ghost.style.y, 0.1));

    // Light from above keeps the form readable inside the outline.
    let sky = 0.72 + 0.28 * normal.y;
    let alpha = ghost.color.w * mix(ghost.style.x, 1.0, outline);
    let color = ghost.color.rgb * sky + vec3(0.12) * outline * outline;
    return vec4(color * alpha, alpha);
#endif
}
