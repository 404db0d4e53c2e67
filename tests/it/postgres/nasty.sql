-- What a loader that cuts a dump's text can stumble over.
CREATE SCHEMA "odd; schema";
CREATE TYPE public.mood AS ENUM ('it''s', 'a;b', 'back\slash', '$$');
CREATE DOMAIN public.word AS text CHECK (VALUE !~ ';');
CREATE TABLE public.parents (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'semi;colon -- no comment');
COMMENT ON TABLE public.parents IS 'a comment; with /* all */ -- of it, it''s $$ "quoted" \ E''x''';
CREATE TABLE "odd; schema"."Order ""items""; x" (
  "select" serial, "a;b" int NOT NULL, "--c" text, "d /* */" bytea,
  doubled int GENERATED ALWAYS AS ("a;b" * 2) STORED, feeling public.mood, tags text[], body jsonb,
  always int GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY ("select"), UNIQUE ("a;b"), CHECK ("--c" <> E'\';\\' AND "a;b" > 0));
CREATE INDEX "an; index" ON "odd; schema"."Order ""items""; x" ("--c") WHERE "--c" <> ';';
CREATE INDEX ON "odd; schema"."Order ""items""; x" (lower("--c"), ("a;b" + 1));
COMMENT ON INDEX "odd; schema"."an; index" IS E'over\nlines; of it';
ALTER TABLE "odd; schema"."Order ""items""; x" ADD CONSTRAINT "to; parents" FOREIGN KEY ("a;b") REFERENCES public.parents ON DELETE CASCADE;
CREATE TABLE public.edges (a bigint REFERENCES public.parents, b bigint REFERENCES public.parents, PRIMARY KEY (a, b));
CREATE TABLE public.nothing ();
CREATE TABLE public.empty (a int, b text);
CREATE UNLOGGED TABLE public.unlogged (a int);
CREATE TABLE public.measures (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE public.measures_1 PARTITION OF public.measures FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE public.measures_2 PARTITION OF public.measures DEFAULT;
CREATE INDEX ON public.measures (n);
CREATE TABLE public.texts (id int PRIMARY KEY, t text);
CREATE FUNCTION public.dollars() RETURNS trigger LANGUAGE plpgsql AS $_$
BEGIN
  -- it's; not an end
  EXECUTE $$ SELECT 'a;b' $$; /* ; ' */
  RETURN NEW;
END
$_$;
CREATE FUNCTION public.atomic(x int) RETURNS int LANGUAGE sql
BEGIN ATOMIC
  SELECT 1;
  SELECT CASE WHEN x > 0 THEN (SELECT count(*)::int FROM public.parents) ELSE 0 END;
END;
CREATE PROCEDURE public.both(INOUT n int) LANGUAGE sql BEGIN ATOMIC SELECT n + 1; END;
CREATE FUNCTION public.old_style() RETURNS text LANGUAGE sql AS 'SELECT ''a;'' || E''\\'''' ; ''';
CREATE TRIGGER t BEFORE INSERT ON public.texts FOR EACH ROW EXECUTE FUNCTION public.dollars();
CREATE VIEW public.counted AS SELECT p.id, p.name, count(*) AS n, ';' AS semi FROM public.parents p JOIN public.edges e ON e.a = p.id GROUP BY p.id;
CREATE MATERIALIZED VIEW public.kept AS SELECT id, name || ';' AS name FROM public.parents;
CREATE UNIQUE INDEX ON public.kept (id);
CREATE RULE several AS ON INSERT TO public.empty DO ALSO (INSERT INTO public.unlogged VALUES (1); INSERT INTO public.unlogged VALUES (2));
CREATE AGGREGATE public.joined (text) (SFUNC = textcat, STYPE = text, INITCOND = ';');
CREATE OPERATOR public.<-> (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat);
CREATE STATISTICS public.together (dependencies) ON a, b FROM public.edges;
CREATE SEQUENCE public.counter START 42; SELECT nextval('public.counter');
ALTER TABLE public.texts ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON public.texts USING (t <> ';');
CREATE PUBLICATION outward FOR TABLE public.parents;
GRANT SELECT ON public.parents TO PUBLIC;
INSERT INTO public.parents SELECT i, 'parent ' || i FROM generate_series(1, 50) i;
INSERT INTO public.edges SELECT i, 51 - i FROM generate_series(1, 50) i;
INSERT INTO public.measures SELECT date '2026-01-20' + i, i FROM generate_series(1, 30) i;
INSERT INTO public.texts VALUES (1, '\.'), (2, E'\n\\.\n'), (3, E'a\tb\\N\r\n'), (4, NULL), (5, '\N'), (6, ''),
  (7, 'DROP TABLE parents; --'), (8, 'COPY public.parents FROM stdin;'), (9, '-- Name: x; Type: INDEX; Schema: y; Owner: z'),
  (10, $$E'\' $tag$ /* $$), (11, 'größe ✓'), (12, E'\x7f\x01'), (13, '\restrict x');
INSERT INTO "odd; schema"."Order ""items""; x" ("a;b", "--c", "d /* */", feeling, tags, body)
  SELECT i, E'line\n' || i || E'\\', decode('5c2e0a00ff', 'hex'), 'it''s', ARRAY['{', '"', '\', NULL], '{"a": "\n\\."}' FROM generate_series(1, 50) i;
SELECT lo_from_bytea(70001, decode(repeat('5c2e0a3b27', 5000), 'hex'));
SELECT lo_create(70002);
COMMENT ON LARGE OBJECT 70001 IS 'large; object';
REFRESH MATERIALIZED VIEW public.kept;
