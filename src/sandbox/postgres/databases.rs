//! Making, renaming and dropping whole databases.

use pgwire::error::{PgWireError, PgWireResult};

use super::answer::refused;
use super::statement::Statement;
use super::world::{Database, World};

/// Carries out a statement about a whole database for the session `pid`, which is in the database `here`; its tag.
pub(super) fn carry_out(
    world: &mut World,
    here: &str,
    pid: i32,
    statement: &Statement,
) -> PgWireResult<&'static str> {
    if world.refuses_change() {
        return Err(refused("42501", denied(statement)));
    }
    match statement {
        Statement::CreateDatabase(name) => {
            if world.databases.contains_key(name) {
                return Err(taken(name));
            }
            world.databases.insert(name.clone(), Database::default());
            Ok("CREATE DATABASE")
        }
        Statement::DropDatabase { name, if_exists, force } => {
            if !world.databases.contains_key(name) {
                return if *if_exists { Ok("DROP DATABASE") } else { Err(none(name)) };
            }
            if name == here {
                return Err(refused("55006", "cannot drop the currently open database"));
            }
            if *force {
                world.terminate(|_, known| known.database == *name);
            }
            free(world, name, pid)?;
            world.databases.remove(name);
            Ok("DROP DATABASE")
        }
        Statement::RenameDatabase { from, to } => {
            if !world.databases.contains_key(from) {
                return Err(none(from));
            }
            if from == here {
                return Err(refused("0A000", "current database cannot be renamed"));
            }
            if world.databases.contains_key(to) {
                return Err(taken(to));
            }
            free(world, from, pid)?;
            if let Some(database) = world.databases.remove(from) {
                world.databases.insert(to.clone(), database);
            }
            Ok("ALTER DATABASE")
        }
        Statement::AllowConnections { name, allow } => match world.databases.get_mut(name) {
            Some(database) => {
                database.allows_connections = *allow;
                Ok("ALTER DATABASE")
            }
            None => Err(none(name)),
        },
        Statement::Begin
        | Statement::Commit
        | Statement::Rollback
        | Statement::Heeded(_)
        | Statement::CreateTable { .. }
        | Statement::Alter { .. }
        | Statement::CopyIn { .. }
        | Statement::Ask(_) => Err(refused("XX000", "this is no statement about a database")),
    }
}

fn denied(statement: &Statement) -> String {
    match statement {
        Statement::CreateDatabase(_) => "permission denied to create database".to_owned(),
        Statement::DropDatabase { name, .. }
        | Statement::RenameDatabase { from: name, .. }
        | Statement::AllowConnections { name, .. } => format!("must be owner of database {name}"),
        Statement::Begin
        | Statement::Commit
        | Statement::Rollback
        | Statement::Heeded(_)
        | Statement::CreateTable { .. }
        | Statement::Alter { .. }
        | Statement::CopyIn { .. }
        | Statement::Ask(_) => "permission denied".to_owned(),
    }
}

fn free(world: &World, name: &str, pid: i32) -> PgWireResult<()> {
    if world.is_in_use(name, pid) {
        let message = format!("database \"{name}\" is being accessed by other users");
        return Err(refused("55006", message));
    }
    Ok(())
}

fn taken(name: &str) -> PgWireError {
    refused("42P04", format!("database \"{name}\" already exists"))
}

fn none(name: &str) -> PgWireError {
    refused("3D000", format!("database \"{name}\" does not exist"))
}
