//! What must hold however often the console, the supervisor and the machine are killed.

mod campaign;
mod chance;
mod full;
mod law;
mod left_alone;
mod life;
mod neighbours;
mod race;
mod reboot;
mod runbook;
mod trial;
mod versions;
