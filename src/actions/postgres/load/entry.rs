//! What pg_dump's own comments and a few of its statements say about the parts of a dump.

/// The comment that pg_dump writes above everything it dumps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Such as `orders orders_pkey`.
    pub name: String,
    /// Such as `TABLE DATA` or `FK CONSTRAINT`.
    pub kind: String,
}

impl Entry {
    /// Reads one line of comment, without its `-- `; `None` when it announces nothing.
    pub fn of(comment: &str) -> Option<Self> {
        let rest = comment.strip_prefix("Data for ").unwrap_or(comment).strip_prefix("Name: ")?;
        let (name, rest) = rest.rsplit_once("; Type: ")?;
        let (kind, _) = rest.split_once("; Schema: ")?;
        Some(Self { name: name.to_owned(), kind: kind.to_owned() })
    }
}

/// The tables that a statement after the data locks, and how: what may run beside what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Locks {
    /// `CREATE INDEX`: others may be built on the table at the same time.
    Shared(String),
    /// `ALTER TABLE`: nothing else is done to these tables.
    Exclusive(Vec<String>),
}

impl Locks {
    /// Of a statement as pg_dump writes it; `None` for any other, which then runs alone.
    pub fn of(sql: &str) -> Option<Self> {
        if let Some(table) = sql.strip_prefix("ALTER TABLE ONLY ") {
            let mut tables = vec![qualified(table)?.to_owned()];
            if let Some((_, other)) = sql.rsplit_once(") REFERENCES ") {
                tables.push(qualified(other)?.to_owned());
            }
            return Some(Self::Exclusive(tables));
        }
        let rest = ["CREATE INDEX ", "CREATE UNIQUE INDEX "]
            .iter()
            .find_map(|start| sql.strip_prefix(start))?;
        let rest = rest.get(qualified(rest)?.len()..)?.strip_prefix(" ON ")?;
        Some(Self::Shared(qualified(rest.strip_prefix("ONLY ").unwrap_or(rest))?.to_owned()))
    }

    /// Whether both can hold at once.
    pub fn go_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shared(_), Self::Shared(_)) => true,
            (Self::Shared(table), Self::Exclusive(tables))
            | (Self::Exclusive(tables), Self::Shared(table)) => !tables.contains(table),
            (Self::Exclusive(these), Self::Exclusive(those)) => {
                !these.iter().any(|table| those.contains(table))
            }
        }
    }

    /// The tables.
    pub fn tables(&self) -> &[String] {
        match self {
            Self::Shared(table) => std::slice::from_ref(table),
            Self::Exclusive(tables) => tables,
        }
    }

    /// The first of the tables.
    pub fn table(&self) -> &str {
        self.tables().first().map(String::as_str).unwrap_or_default()
    }
}

/// The qualified name that `sql` begins with, as it is written there.
pub(super) fn qualified(sql: &str) -> Option<&str> {
    let bytes = sql.as_bytes();
    let mut at = 0;
    loop {
        let from = at;
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            // A doubled quote inside is an end and a beginning.
            at += sql.get(at..)?.find('"')? + 1;
            if bytes.get(at) == Some(&b'"') {
                continue;
            }
        } else {
            let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | 0x80..);
            at += bytes.get(at..)?.iter().take_while(|b| word(b)).count();
        }
        if at == from {
            return None;
        }
        if bytes.get(at) != Some(&b'.') {
            return sql.get(..at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Locks, qualified};

    #[test]
    fn comments_announce_what_follows() {
        let entry = |comment| Entry::of(comment).map(|e| (e.name, e.kind));
        let pair = |name: &str, kind: &str| Some((name.to_owned(), kind.to_owned()));
        assert_eq!(
            entry("Name: orders orders_pkey; Type: CONSTRAINT; Schema: public; Owner: x"),
            pair("orders orders_pkey", "CONSTRAINT")
        );
        assert_eq!(
            entry("Data for Name: orders; Type: TABLE DATA; Schema: public; Owner: x"),
            pair("orders", "TABLE DATA")
        );
        assert_eq!(
            entry("Name: a; Type: b; Type: INDEX; Schema: public; Owner: -"),
            pair("a; Type: b", "INDEX")
        );
        assert_eq!(entry("PostgreSQL database dump"), None);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        assert_eq!(qualified("public.orders (id)"), Some("public.orders"));
        assert_eq!(qualified(r#""odd ""name"" ".t; x"#), Some(r#""odd ""name"" ".t"#));
        assert_eq!(qualified("größe USING"), Some("größe"));
        assert_eq!(qualified("(a)"), None);
        assert_eq!(qualified("\"open"), None);
    }

    #[test]
    fn what_locks_the_same_table_does_not_run_beside_it() {
        let index = |on: &str| {
            Locks::of(&format!("CREATE UNIQUE INDEX \"i\" ON {on} USING btree (a);")).unwrap()
        };
        let key = |on: &str| {
            Locks::of(&format!("ALTER TABLE ONLY {on}\n    ADD CONSTRAINT k PRIMARY KEY (a);"))
                .unwrap()
        };
        let foreign = Locks::of(
            "ALTER TABLE ONLY s.a\n    ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES s.b(y) ON DELETE CASCADE;",
        )
        .unwrap();
        assert_eq!(foreign, Locks::Exclusive(vec!["s.a".into(), "s.b".into()]));
        assert!(index("s.a").go_with(&index("s.a")));
        assert!(index("ONLY s.a").table() == "s.a");
        assert!(!index("s.a").go_with(&key("s.a")));
        assert!(key("s.a").go_with(&key("s.c")));
        assert!(!foreign.go_with(&key("s.b")));
        assert_eq!(
            Locks::of("ALTER TABLE s.a ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES s.b(y);"),
            None
        );
        assert_eq!(Locks::of("CREATE VIEW v AS SELECT 1;"), None);
    }
}
