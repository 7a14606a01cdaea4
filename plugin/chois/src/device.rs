//! Which device libtorch computes on.

use std::ffi::CString;
use std::sync::OnceLock;

pub use tch::Device;

/// A CUDA device when the libtorch at hand has one, else the CPU. Decided once, and logged.
///
/// libtorch's CUDA half registers itself when its library is loaded; a program linked against the CPU half alone must
/// load it by hand. Failure to do so means that there is none.
pub fn choose() -> Device {
    static CHOSEN: OnceLock<Device> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        load_cuda();
        let device = if tch::Cuda::is_available() {
            Device::Cuda(0)
        } else {
            Device::Cpu
        };
        log::info!(
            "computing on {device:?}, {} threads",
            tch::get_num_threads()
        );
        device
    })
}

/// Has libtorch share each product on the CPU among this many threads, for what the calling thread computes from now on.
pub fn set_threads(threads: usize) {
    tch::set_num_threads(threads.clamp(1, 1024) as i32);
}

#[cfg(unix)]
fn load_cuda() {
    unsafe extern "C" {
        fn dlopen(name: *const std::ffi::c_char, flags: i32) -> *mut std::ffi::c_void;
    }
    const NOW: i32 = 2;
    #[cfg(target_os = "linux")]
    const GLOBAL: i32 = 0x100;
    #[cfg(not(target_os = "linux"))]
    const GLOBAL: i32 = 0x8;
    if let Ok(name) = CString::new("libtorch_cuda.so") {
        // SAFETY: the name is a valid C string; the library's constructors are libtorch's own.
        unsafe { dlopen(name.as_ptr(), NOW | GLOBAL) };
    }
}

#[cfg(not(unix))]
fn load_cuda() {}
