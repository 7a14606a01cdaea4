//! An avatar's own file with a clip in it, as readable USD: the body as its maker left it, moving, and the objects beside it.
//!
//! As [`crate::clip::usda`] writes the mannequin: metres, Z up, time codes are frames. The avatar is Y up as its file is; what
//! moves it stands it up. Bones whose frames are scaled (a hundredth, in many files) are written without, their places and
//! bind matrices as much larger: UsdSkel's scales have eleven bits. Colours of points and pictures stay; pictures are files
//! of their own beside.

use std::fmt::{self, Write as _};
use std::path::Path;

use nalgebra::{Matrix4, UnitQuaternion, Vector3};

use super::body::{Body, BodyPart, Hung, Look};
use super::export::baked;
use super::{GltfRig, Rig, RigClip};
use crate::clip::glb::{GlbOptions, Prop, check_scene, continuous};
use crate::clip::usda::{
    array, color, contacts, head, identifier, look, number, object, quaternion, samples, surface,
    unused, vector,
};
use crate::error::{self, Error, Result};
use crate::geometry::ObjectGeometry;
use crate::motion::MotionClip;

/// How unevenly a bone's frame may be scaled: rounding.
const UNEVEN: f32 = 1e-3;

/// A text, and the files that it names.
pub struct Usd {
    /// The `.usda`.
    pub text: String,
    /// Names and bytes of the pictures.
    pub pictures: Vec<(String, Vec<u8>)>,
}

/// Writes an avatar's `.glb` or `.vrm` with a clip on its bones as `.usda`, and objects, as
/// [`export::write_scene`](super::export::write_scene) writes a `.glb`. Its pictures become files beside it.
///
/// # Errors
/// Those of [`export::write_scene`](super::export::write_scene); [`Error::Invalid`] for bones that are scaled unevenly.
pub fn write_scene(
    path: &Path,
    avatar: &Path,
    clip: &MotionClip,
    props: &[Prop<'_>],
    held: Option<&ObjectGeometry>,
    options: &GlbOptions,
) -> Result<()> {
    let stem = path
        .file_stem()
        .map_or("avatar".into(), |s| s.to_string_lossy());
    let bytes = error::read(avatar)?;
    let usd = scene_to_text(&bytes, avatar, &stem, clip, props, held, options)?;
    for (name, bytes) in &usd.pictures {
        error::write_atomically(&path.with_file_name(name), bytes)?;
    }
    error::write_atomically(path, usd.text.as_bytes())
}

/// The text and the pictures of [`write_scene`]; `avatar` is for messages, `stem` what pictures' names begin with.
///
/// # Errors
/// As [`write_scene`].
pub fn scene_to_text(
    bytes: &[u8],
    avatar: &Path,
    stem: &str,
    clip: &MotionClip,
    props: &[Prop<'_>],
    held: Option<&ObjectGeometry>,
    options: &GlbOptions,
) -> Result<Usd> {
    check_scene(clip, props, options)?;
    let file = GltfRig::parse(bytes, avatar)?;
    let body = Body::parse(bytes, avatar, &file)?;
    let bones = Bones::of(&file.rig, avatar)?;
    let motion = baked(&file, clip, held, options)?;
    let pictures: Vec<String> = (body.pictures.iter().enumerate())
        .map(|(i, p)| format!("{stem}_{i}.{}", p.ending))
        .collect();
    let scene = Scene {
        clip,
        rig: &file.rig,
        bones,
        body: &body,
        motion: &motion,
        pictures: &pictures,
    };
    let mut text = String::new();
    scene
        .write(&mut text, props, options)
        .map_err(|_| Error::invalid(format!("clip {:?}", clip.name), "it cannot be written"))?;
    let bytes = body.pictures.into_iter().map(|p| p.bytes);
    Ok(Usd {
        text,
        pictures: pictures.into_iter().zip(bytes).collect(),
    })
}

/// A rig's bones without their scales.
struct Bones {
    paths: Vec<String>,
    /// What each bone's frame is scaled by in the file, all above it together.
    scales: Vec<f32>,
    /// Where each is seen from its parent, metres.
    offsets: Vec<Vector3<f32>>,
    /// In the bind pose, in the avatar's frame.
    placed: Vec<Matrix4<f32>>,
}

impl Bones {
    fn of(rig: &Rig, path: &Path) -> Result<Self> {
        let mut out = Self {
            paths: Vec::new(),
            scales: Vec::new(),
            offsets: Vec::new(),
            placed: Vec::new(),
        };
        for bone in &rig.bones {
            let (low, high) = (bone.scale.min(), bone.scale.max());
            if low <= 0.0 || high - low > UNEVEN * high {
                let reason = format!(
                    "the bone {:?} is stretched or mirrored ({:?}), which USD's bones cannot be; apply scales in the modelling \
                     program and export again",
                    bone.name,
                    bone.scale.as_slice()
                );
                return Err(Error::malformed(path, "avatar", reason));
            }
            let (above, place, parent) = match bone.parent {
                Some(p) => (out.scales[p], out.placed[p], format!("{}/", out.paths[p])),
                None => (1.0, Matrix4::identity(), String::new()),
            };
            let offset = bone.translation * above;
            out.scales.push(above * (low + high) / 2.0);
            out.offsets.push(offset);
            out.placed.push(place * rigid(&offset, &bone.rotation));
            let wanted = format!("{parent}{}", identifier(&bone.name));
            unused(&wanted, &mut out.paths);
        }
        Ok(out)
    }
}

fn rigid(at: &Vector3<f32>, turn: &UnitQuaternion<f32>) -> Matrix4<f32> {
    Matrix4::new_translation(at) * turn.to_homogeneous()
}

/// What is written.
struct Scene<'a> {
    clip: &'a MotionClip,
    rig: &'a Rig,
    bones: Bones,
    body: &'a Body,
    motion: &'a RigClip,
    pictures: &'a [String],
}

impl Scene<'_> {
    fn write(&self, out: &mut String, props: &[Prop<'_>], options: &GlbOptions) -> fmt::Result {
        head(out, self.clip)?;
        self.person(out)?;
        let mut names = vec!["Person".to_owned(), "Looks".to_owned()];
        for prop in props {
            let name = unused(&identifier(prop.name), &mut names);
            object(out, &name, prop, options)?;
        }
        writeln!(out, "    def Scope \"Looks\"\n    {{")?;
        for (i, own) in self.body.looks.iter().enumerate() {
            self.look(out, i, own)?;
        }
        look(out, "Object", 0.6, &color(&options.object_color), "")?;
        writeln!(out, "    }}\n}}")
    }

    fn person(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "    def SkelRoot \"Person\" (\n        prepend apiSchemas = [\"SkelBindingAPI\"]\n    )\n    {{"
        )?;
        contacts(out, self.clip)?;
        let roots = &self.motion.roots;
        write!(out, "        float3 xformOp:translate.timeSamples = {{")?;
        samples(out, roots.iter().map(|r| vector(&r.position)))?;
        write!(out, "}}\n        quatf xformOp:orient.timeSamples = {{")?;
        let turns = continuous(roots.iter().map(|r| r.rotation));
        samples(out, turns.iter().map(quaternion))?;
        writeln!(out, "}}\n        float xformOp:rotateX = 90")?;
        writeln!(
            out,
            "        uniform token[] xformOpOrder = [\"xformOp:translate\", \"xformOp:orient\", \"xformOp:rotateX\"]\n"
        )?;
        let names: Vec<String> = self
            .bones
            .paths
            .iter()
            .map(|p| format!("\"{p}\""))
            .collect();
        let names = names.join(", ");
        for skin in 0..self.body.skins.len() {
            self.skeleton(out, skin, &names)?;
        }
        self.animation(out, &names)?;
        for (i, part) in self.body.parts.iter().enumerate() {
            self.part(out, i, part)?;
        }
        writeln!(out, "    }}\n")
    }

    /// Where a skin has each bone when it is not bent.
    fn bound(&self, skin: usize) -> Vec<Matrix4<f32>> {
        let mut out = self.bones.placed.clone();
        let skin = &self.body.skins[skin];
        for (bone, inverse) in skin.bones.iter().zip(&skin.inverse) {
            if let Some(bound) = inverse.try_inverse() {
                let scale = self.bones.scales[*bone];
                out[*bone] = bound * Matrix4::new_scaling(1.0 / scale);
            }
        }
        out
    }

    fn skeleton(&self, out: &mut String, skin: usize, names: &str) -> fmt::Result {
        let rest = self.rig.bones.iter().zip(&self.bones.offsets);
        let rest: Vec<_> = rest.map(|(bone, at)| rigid(at, &bone.rotation)).collect();
        writeln!(
            out,
            "        def Skeleton \"{}\" (\n            prepend apiSchemas = [\"SkelBindingAPI\"]\n        )\n        {{",
            skeleton(skin)
        )?;
        writeln!(out, "            uniform token[] joints = [{names}]")?;
        writeln!(
            out,
            "            uniform matrix4d[] bindTransforms = [{}]",
            matrices(&self.bound(skin))
        )?;
        writeln!(
            out,
            "            uniform matrix4d[] restTransforms = [{}]",
            matrices(&rest)
        )?;
        writeln!(
            out,
            "            rel skel:animationSource = </World/Person/Animation>\n        }}\n"
        )
    }

    fn animation(&self, out: &mut String, names: &str) -> fmt::Result {
        let motion = self.motion;
        let count = motion.bones.len();
        writeln!(out, "        def SkelAnimation \"Animation\"\n        {{")?;
        writeln!(out, "            uniform token[] joints = [{names}]")?;
        let above = self.rig.bones[motion.hips].parent;
        let above = above.map_or(1.0, |p| self.bones.scales[p]);
        write!(out, "            float3[] translations.timeSamples = {{")?;
        samples(
            out,
            motion.hips_translations.iter().map(|hips| {
                let mut places = self.bones.offsets.clone();
                places[motion.hips] = hips * above;
                array(&places)
            }),
        )?;
        let mut turns: Vec<Vec<[f32; 4]>> = (self.rig.bones.iter())
            .map(|bone| vec![continuous(std::iter::once(bone.rotation))[0]; motion.frames()])
            .collect();
        for (i, bone) in motion.bones.iter().enumerate() {
            turns[*bone] = continuous(motion.rotations.iter().skip(i).step_by(count).copied());
        }
        write!(out, "}}\n            quatf[] rotations.timeSamples = {{")?;
        samples(
            out,
            (0..motion.frames()).map(|f| {
                let all: Vec<String> = turns.iter().map(|bone| quaternion(&bone[f])).collect();
                format!("[{}]", all.join(", "))
            }),
        )?;
        let ones = vec!["(1, 1, 1)"; turns.len()].join(", ");
        writeln!(out, "}}\n            half3[] scales = [{ones}]\n        }}")
    }

    fn part(&self, out: &mut String, number_of: usize, part: &BodyPart) -> fmt::Result {
        let name = format!("{}_{number_of}", identifier(&part.name));
        writeln!(
            out,
            "\n        def Mesh \"{name}\" (\n            prepend apiSchemas = [\"SkelBindingAPI\", \"MaterialBindingAPI\"]\n        )\n        {{"
        )?;
        let indent = "            ";
        surface(out, indent, &part.points, &part.normals, &part.triangles)?;
        let vertex = "(\n                interpolation = \"vertex\"\n            )";
        if part.coords.len() == part.points.len() {
            // USD's pictures begin at the bottom.
            let all = part.coords.iter();
            let all: Vec<String> = all
                .map(|[u, v]| format!("({}, {})", number(*u), number(1.0 - v)))
                .collect();
            writeln!(
                out,
                "{indent}texCoord2f[] primvars:st = [{}] {vertex}",
                all.join(", ")
            )?;
        }
        let look = part.look.and_then(|i| self.body.looks.get(i));
        if part.colors.len() == part.points.len() {
            let tint = look.map_or(Vector3::repeat(1.0), |look| look.color.into());
            let all: Vec<_> = part.colors.iter().map(|c| c.component_mul(&tint)).collect();
            writeln!(
                out,
                "{indent}color3f[] primvars:displayColor = {} {vertex}",
                array(&all)
            )?;
        }
        let (skin, per, joints, weights, bind) = match &part.hung {
            Hung::Skin {
                skin,
                per,
                joints,
                weights,
            } => {
                let bones = &self.body.skins[*skin].bones;
                let joints: Vec<usize> = joints.iter().map(|j| bones[*j]).collect();
                (*skin, *per, joints, weights.clone(), Matrix4::identity())
            }
            Hung::Bone(bone) => {
                let bound = self.bound(0)[*bone];
                let scale = Matrix4::new_scaling(self.bones.scales[*bone]);
                (0, 1, vec![*bone], vec![1.0], bound * scale)
            }
        };
        let how = match &part.hung {
            Hung::Skin { .. } => "vertex",
            Hung::Bone(_) => "constant",
        };
        let how = format!(
            "(\n                elementSize = {per}\n                interpolation = \"{how}\"\n            )"
        );
        let joints: Vec<String> = joints.iter().map(usize::to_string).collect();
        let weights: Vec<String> = weights.iter().map(|w| number(*w)).collect();
        writeln!(
            out,
            "{indent}int[] primvars:skel:jointIndices = [{}] {how}",
            joints.join(", ")
        )?;
        writeln!(
            out,
            "{indent}float[] primvars:skel:jointWeights = [{}] {how}",
            weights.join(", ")
        )?;
        writeln!(
            out,
            "{indent}matrix4d primvars:skel:geomBindTransform = {}",
            matrix(&bind)
        )?;
        writeln!(
            out,
            "{indent}rel skel:skeleton = </World/Person/{}>",
            skeleton(skin)
        )?;
        if look.is_some_and(|look| look.double) {
            writeln!(out, "{indent}bool doubleSided = 1")?;
        }
        let look = match part.look {
            Some(i) if i < self.body.looks.len() => format!("Look{i}"),
            _ => "Object".to_owned(),
        };
        writeln!(
            out,
            "{indent}rel material:binding = </World/Looks/{look}>\n        }}"
        )
    }

    fn look(&self, out: &mut String, number_of: usize, own: &Look) -> fmt::Result {
        let name = format!("Look{number_of}");
        let at = format!("/World/Looks/{name}");
        let colored = (self.body.parts.iter())
            .any(|part| part.look == Some(number_of) && part.colors.len() == part.points.len());
        let reader = |shader: &str, kind: &str, primvar: &str, output: &str| {
            format!(
                "\n            def Shader \"{shader}\"\n            {{\n                uniform token info:id = \"UsdPrimvarReader_{kind}\"\n                string inputs:varname = \"{primvar}\"\n                {output} outputs:result\n            }}\n"
            )
        };
        let (mut by, further) = match own.picture {
            Some(picture) => {
                let file = asset(&self.pictures[picture]);
                let [r, g, b] = own.color.map(number);
                let shaders = reader("Coords", "float2", "st", "float2")
                    + &format!(
                        "\n            def Shader \"Picture\"\n            {{\n                uniform token info:id = \"UsdUVTexture\"\n                asset inputs:file = {file}\n                float2 inputs:st.connect = <{at}/Coords.outputs:result>\n                float4 inputs:scale = ({r}, {g}, {b}, 1)\n                token inputs:wrapS = \"repeat\"\n                token inputs:wrapT = \"repeat\"\n                float3 outputs:rgb\n                float outputs:a\n            }}\n"
                    );
                let by =
                    format!("color3f inputs:diffuseColor.connect = <{at}/Picture.outputs:rgb>");
                (by, shaders)
            }
            None if colored => (
                format!("color3f inputs:diffuseColor.connect = <{at}/Colors.outputs:result>"),
                reader("Colors", "float3", "displayColor", "float3"),
            ),
            None => (color(&own.color), String::new()),
        };
        if let (Some(cut), Some(_)) = (own.cut, own.picture) {
            let _ = write!(
                by,
                "\n                float inputs:opacity.connect = <{at}/Picture.outputs:a>\n                float inputs:opacityThreshold = {}",
                number(cut)
            );
        }
        look(out, &name, own.roughness, &by, &further)
    }
}

/// A file beside the text, as USD writes its path: one with `@` in it between three of them.
fn asset(file: &str) -> String {
    match file.contains('@') {
        true => format!("@@@./{file}@@@"),
        false => format!("@./{file}@"),
    }
}

/// What the skeleton of a skin is called.
fn skeleton(skin: usize) -> String {
    match skin {
        0 => "Skeleton".to_owned(),
        n => format!("Skeleton_{}", n + 1),
    }
}

fn matrices(all: &[Matrix4<f32>]) -> String {
    let all: Vec<String> = all.iter().map(matrix).collect();
    all.join(", ")
}

/// USD's matrices are for rows.
fn matrix(m: &Matrix4<f32>) -> String {
    let rows: Vec<String> = (m.column_iter())
        .map(|c| {
            let all: Vec<String> = c.iter().map(|v| number(*v)).collect();
            format!("({})", all.join(", "))
        })
        .collect();
    format!("( {} )", rows.join(", "))
}
