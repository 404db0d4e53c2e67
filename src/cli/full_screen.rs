//! What the commands with a full screen share.

use super::Globals;
use crate::tui::theme::Theme;

/// The theme that the flag, the settings or the environment ask for.
///
/// # Errors
/// One line: what is wrong with the settings or the theme.
pub fn theme(globals: &Globals) -> Result<Theme, String> {
    let name = match &globals.theme {
        Some(name) => Some(name.clone()),
        None => globals.load_settings()?.settings.theme,
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Theme::load(name.as_deref(), no_color)
}

/// Runs the screen and what is behind it.
///
/// # Errors
/// The runtime could not be made.
pub fn block_on<T>(screen: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| format!("no runtime: {e}"))?;
    let done = runtime.block_on(screen);
    // What is still at work there is not waited for: it is supervised, or it only reads.
    runtime.shutdown_background();
    Ok(done)
}
