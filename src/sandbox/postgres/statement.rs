//! Reading the statements that the stand-in understands. Names come quoted or plain, as pg_dump and the runbook
//! write them.

use super::questions::{self, Question};

/// A statement that is understood.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    /// `BEGIN`, read only or not.
    Begin,
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`.
    Rollback,
    /// Something about the session or the statistics that needs nothing here; its tag.
    Heeded(&'static str),
    /// `CREATE DATABASE`.
    CreateDatabase(String),
    /// `DROP DATABASE`.
    DropDatabase {
        /// Which.
        name: String,
        /// That there is none is no error.
        if_exists: bool,
        /// Whoever is in it is thrown out.
        force: bool,
    },
    /// `ALTER DATABASE … RENAME TO`.
    RenameDatabase {
        /// Its name so far.
        from: String,
        /// Its name from here on.
        to: String,
    },
    /// `ALTER DATABASE … ALLOW_CONNECTIONS`.
    AllowConnections {
        /// Which.
        name: String,
        /// Whether.
        allow: bool,
    },
    /// `CREATE TABLE`, with the names of its columns.
    CreateTable {
        /// Which.
        name: String,
        /// In their order.
        columns: Vec<String>,
    },
    /// Something that belongs to a table: an index, a constraint; its tag.
    Alter {
        /// The table.
        table: String,
        /// What is added.
        other: String,
        /// How the server says that it is done.
        tag: &'static str,
    },
    /// `COPY … FROM stdin`.
    CopyIn {
        /// Into which table.
        table: String,
        /// Into which columns.
        columns: Vec<String>,
    },
    /// One of the known questions.
    Ask(&'static Question),
}

impl Statement {
    /// Reads a statement; `None` when it is not understood.
    pub(super) fn read(sql: &str) -> Option<Self> {
        let text = normal(sql);
        if let Some(question) = questions::find(&text) {
            return Some(Self::Ask(question));
        }
        let mut words = Words(&text);
        Some(match words.word()?.to_ascii_uppercase().as_str() {
            "BEGIN" => Self::Begin,
            "COMMIT" => Self::Commit,
            "ROLLBACK" => Self::Rollback,
            "SET" => Self::Heeded("SET"),
            "ANALYZE" => Self::Heeded("ANALYZE"),
            "CREATE" => create(words)?,
            "DROP" => drop_database(words)?,
            "ALTER" => alter(words)?,
            "COPY" => copy(words)?,
            _ => return None,
        })
    }
}

fn create(mut words: Words<'_>) -> Option<Statement> {
    match words.word()? {
        "DATABASE" => words.name().map(Statement::CreateDatabase),
        "EXTENSION" => Some(Statement::Heeded("CREATE EXTENSION")),
        "TABLE" => {
            let name = words.name()?;
            Some(Statement::CreateTable { name, columns: columns(words.0) })
        }
        "INDEX" => {
            let other = words.name()?;
            words.expect("ON")?;
            Some(Statement::Alter { table: words.name()?, other, tag: "CREATE INDEX" })
        }
        _ => None,
    }
}

fn drop_database(mut words: Words<'_>) -> Option<Statement> {
    words.expect("DATABASE")?;
    let if_exists = words.take("IF EXISTS");
    let name = words.name()?;
    Some(Statement::DropDatabase { name, if_exists, force: words.0.contains("FORCE") })
}

fn alter(mut words: Words<'_>) -> Option<Statement> {
    match words.word()? {
        "DATABASE" => {
            let name = words.name()?;
            if words.take("RENAME TO") {
                return Some(Statement::RenameDatabase { from: name, to: words.name()? });
            }
            words.take("WITH");
            words.expect("ALLOW_CONNECTIONS")?;
            let allow = words.word()?.eq_ignore_ascii_case("true");
            Some(Statement::AllowConnections { name, allow })
        }
        "TABLE" => {
            words.take("ONLY");
            let table = words.name()?;
            words.expect("ADD")?;
            words.expect("CONSTRAINT")?;
            Some(Statement::Alter { table, other: words.name()?, tag: "ALTER TABLE" })
        }
        _ => None,
    }
}

fn copy(mut words: Words<'_>) -> Option<Statement> {
    let table = words.name()?;
    let rest = words.0.trim_start().strip_prefix('(')?;
    let (listed, rest) = rest.split_once(')')?;
    let names = listed.split(',').map(|name| unquoted(name.trim())).collect();
    rest.trim_start().to_ascii_lowercase().starts_with("from stdin").then_some(())?;
    Some(Statement::CopyIn { table, columns: names })
}

/// The names of the columns in a table's brackets; constraints are none.
fn columns(body: &str) -> Vec<String> {
    let inside = body.trim().trim_start_matches('(').trim_end_matches(')');
    let mut depth = 0_i32;
    let entries = inside.split(|c: char| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    });
    let named = entries.filter_map(|entry| Words(entry.trim()).name());
    named.filter(|name| name != "CONSTRAINT" && name != "PRIMARY").collect()
}

/// One space where there was any white space, and no semicolon at the end.
pub(super) fn normal(sql: &str) -> String {
    let words: Vec<_> = sql.split_whitespace().collect();
    words.join(" ").trim_end_matches(';').trim_end().to_owned()
}

/// What is left of a statement.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    /// The next word, up to a space or a bracket.
    fn word(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start();
        let end = rest.find([' ', '(']).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    fn expect(&mut self, word: &str) -> Option<()> {
        self.word().filter(|it| it.eq_ignore_ascii_case(word)).map(|_| ())
    }

    /// Takes these words when they are next.
    fn take(&mut self, words: &str) -> bool {
        let rest = self.0.trim_start();
        let there = rest.get(..words.len()).is_some_and(|it| it.eq_ignore_ascii_case(words));
        if there {
            self.0 = &rest[words.len()..];
        }
        there
    }

    /// The next name, without the schema `public` and without its quotes.
    fn name(&mut self) -> Option<String> {
        let rest = self.0.trim_start();
        let mut quoted = false;
        let end = rest.find(|c: char| {
            quoted ^= c == '"';
            !quoted && matches!(c, ' ' | '(' | ',')
        });
        let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.0 = rest;
        (!name.is_empty()).then(|| unquoted(name))
    }
}

fn unquoted(name: &str) -> String {
    let name = name.strip_prefix("public.").unwrap_or(name);
    match name.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(inside) => inside.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> String {
        format!("{:?}", Statement::read(sql))
    }

    #[test]
    fn statements_are_read_as_the_runbook_and_pg_dump_write_them() {
        for (sql, said) in [
            ("CREATE DATABASE \"shop\" TEMPLATE template0;", "CreateDatabase(\"shop\")"),
            ("ALTER DATABASE \"a b\" RENAME TO \"c\"", "from: \"a b\", to: \"c\""),
            ("ALTER DATABASE a ALLOW_CONNECTIONS false", "allow: false"),
            ("DROP DATABASE IF EXISTS \"x\" WITH (FORCE)", "if_exists: true, force: true"),
            (
                "CREATE TABLE public.loans (\n id bigint NOT NULL,\n total numeric(12,2),\n at timestamptz\n);",
                "columns: [\"id\", \"total\", \"at\"]",
            ),
            (
                "COPY public.loans (id, \"at\") FROM stdin WITH (FREEZE);",
                "columns: [\"id\", \"at\"]",
            ),
            (
                "ALTER TABLE ONLY public.loans\n    ADD CONSTRAINT loans_pkey PRIMARY KEY (id);",
                "table: \"loans\", other: \"loans_pkey\"",
            ),
            ("CREATE INDEX by_at ON public.loans USING btree (at)", "other: \"by_at\""),
        ] {
            assert!(read(sql).contains(said), "{sql}: {}", read(sql));
        }
    }

    #[test]
    fn anything_else_is_not_understood() {
        for sql in ["SELECT 1", "DELETE FROM loans", "DROP TABLE loans", "COPY loans TO stdout"] {
            assert_eq!(read(sql), "None", "{sql}");
        }
    }
}
