//! Is there a screen to open a window on, and something that can draw?

use bevy::tasks::block_on;

/// Whether a window can be opened. On Linux windows are X11's (Wayland desktops provide it too), and `DISPLAY` names it.
pub fn has_screen() -> bool {
    if cfg!(any(target_os = "windows", target_os = "macos")) {
        return true;
    }
    std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty())
}

/// What will draw, if anything can. Bevy itself panics where there is no driver.
pub fn driver() -> Option<String> {
    let mut description = wgpu::InstanceDescriptor::new_without_display_handle();
    description.backends = wgpu::Backends::from_env().unwrap_or_default();
    let instance = wgpu::Instance::new(description);
    let adapter = block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()));
    adapter.ok().map(|adapter| adapter.get_info().name)
}

/// What to do where nothing can draw.
pub const NO_DRIVER: &str = "no graphics driver was found, so nothing can be drawn; on Debian or Ubuntu \
    `apt-get install -y --no-install-recommends mesa-vulkan-drivers libvulkan1` brings one that needs no graphics card";
