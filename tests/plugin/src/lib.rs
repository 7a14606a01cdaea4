//! What the plugin's tests share: headless apps that tick by hand.
