//! The wire protocol: logging in, simple and extended queries, rows for a `COPY`.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{Sink, SinkExt, stream};
use pgwire::api::auth::cleartext::CleartextPasswordAuthStartupHandler;
use pgwire::api::auth::{
    AuthSource, DefaultServerParameterProvider, LoginInfo, Password, StartupHandler,
};
use pgwire::api::copy::CopyHandler;
use pgwire::api::portal::{Format, Portal};
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::api::results::{CopyResponse, FieldInfo, Response, Tag};
use pgwire::api::stmt::QueryParser;
use pgwire::api::store::PortalStore;
use pgwire::api::{
    ClientInfo, ClientPortalStore, METADATA_APPLICATION_NAME, METADATA_DATABASE,
    PgWireConnectionState, PgWireServerHandlers, Type as WireType,
};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::copy::{CopyData, CopyDone};
use pgwire::messages::response::CommandComplete;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};

use super::answer::{fatal, fields, format_of, refused, rows};
use super::session::{Outcome, Session};
use super::statement::Statement;
use super::{SUPERUSER, Shared};

/// The handlers of one session.
pub(super) struct Handlers(pub(super) Arc<Session>);

impl PgWireServerHandlers for Handlers {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::new(Asking(self.0.clone()))
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::new(Asking(self.0.clone()))
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::new(Login::new(self.0.clone()))
    }

    fn copy_handler(&self) -> Arc<impl CopyHandler> {
        Arc::new(Asking(self.0.clone()))
    }
}

/// Who may come in, and where to.
struct Login {
    session: Arc<Session>,
    asked: CleartextPasswordAuthStartupHandler<Gate, DefaultServerParameterProvider>,
}

impl Login {
    fn new(session: Arc<Session>) -> Self {
        let mut parameters = DefaultServerParameterProvider::default();
        parameters.server_version = "15.8".to_owned();
        let gate = Gate(session.shared.clone());
        Self { session, asked: CleartextPasswordAuthStartupHandler::new(gate, parameters) }
    }
}

#[async_trait]
impl StartupHandler for Login {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.asked.on_startup(client, message).await?;
        if matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
            let told = |key: &str| client.metadata().get(key).cloned().unwrap_or_default();
            self.session.enter(&told(METADATA_DATABASE), &told(METADATA_APPLICATION_NAME));
        }
        Ok(())
    }
}

/// Checks passwords and the database's name.
struct Gate(Shared);

impl Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

#[async_trait]
impl AuthSource for Gate {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        let name = login.database().unwrap_or(SUPERUSER);
        self.0.with(|world| match world.databases.get(name) {
            Some(database) if database.allows_connections => Ok(()),
            Some(_) => Err(fatal(
                "55000",
                format!("database \"{name}\" is not currently accepting connections"),
            )),
            None => Err(fatal("3D000", format!("database \"{name}\" does not exist"))),
        })?;
        Ok(Password::new(None, self.0.password.as_bytes().to_vec()))
    }
}

/// Statements and rows.
struct Asking(Arc<Session>);

impl Asking {
    fn read(sql: &str) -> PgWireResult<Statement> {
        Statement::read(sql).ok_or_else(|| {
            let words = sql.split_whitespace().take(8).collect::<Vec<_>>().join(" ");
            refused(
                "0A000",
                format!("this is a practice server, which does not understand `{words} …`"),
            )
        })
    }

    fn answer(
        &self,
        statement: &Statement,
        given: &[String],
        format: &Format,
    ) -> PgWireResult<Response> {
        let outcome = self.0.carry_out(statement, given).map_err(|e| self.0.fail(e))?;
        Ok(match outcome {
            Outcome::Done(tag) => Response::Execution(Tag::new(tag)),
            Outcome::Began => Response::TransactionStart(Tag::new("BEGIN")),
            Outcome::Ended(tag) => Response::TransactionEnd(Tag::new(tag)),
            Outcome::Rows(question, found) => {
                let columns = fields(question.columns, |at| format_of(Some(format), at));
                Response::Query(rows(columns, &found)?)
            }
            Outcome::CopyIn { columns } => {
                Response::CopyIn(CopyResponse::new(0, columns, stream::empty()))
            }
        })
    }
}

#[async_trait]
impl SimpleQueryHandler for Asking {
    async fn do_query<C>(&self, _client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let statement = Self::read(query).map_err(|e| self.0.fail(e))?;
        Ok(vec![self.answer(&statement, &[], &Format::UnifiedText)?])
    }
}

#[async_trait]
impl ExtendedQueryHandler for Asking {
    type Statement = Statement;
    type QueryParser = Parser;

    fn query_parser(&self) -> Arc<Parser> {
        Arc::new(Parser(self.0.clone()))
    }

    async fn do_query<C>(
        &self,
        _client: &mut C,
        portal: &Portal<Statement>,
        _max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let statement = &portal.statement.statement;
        let given = (0..portal.parameter_len())
            .map(|at| {
                portal.parameter::<String>(at, &WireType::TEXT).map(Option::unwrap_or_default)
            })
            .collect::<PgWireResult<Vec<_>>>()?;
        self.answer(statement, &given, &portal.result_column_format)
    }
}

/// Reads statements for the extended protocol.
struct Parser(Arc<Session>);

#[async_trait]
impl QueryParser for Parser {
    type Statement = Statement;

    async fn parse_sql<C>(
        &self,
        _client: &C,
        sql: &str,
        _types: &[Option<WireType>],
    ) -> PgWireResult<Option<Statement>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        Asking::read(sql).map(Some).map_err(|e| self.0.fail(e))
    }

    fn get_parameter_types(&self, statement: &Statement) -> PgWireResult<Vec<WireType>> {
        Ok(match statement {
            Statement::Ask(question) => question.params.iter().map(|it| it.wire()).collect(),
            _ => Vec::new(),
        })
    }

    fn get_result_schema(
        &self,
        statement: &Statement,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        Ok(match statement {
            Statement::Ask(question) => fields(question.columns, |at| format_of(format, at)),
            _ => Vec::new(),
        })
    }
}

#[async_trait]
impl CopyHandler for Asking {
    async fn on_copy_data<C>(&self, _client: &mut C, data: CopyData) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.0.take(&data.data);
        Ok(())
    }

    async fn on_copy_done<C>(&self, client: &mut C, _done: CopyDone) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.0.work().await;
        let rows = self.0.copied().map_err(|e| self.0.fail(e))?;
        let tag = CommandComplete::from(Tag::new("COPY").with_rows(rows));
        client.send(PgWireBackendMessage::CommandComplete(tag)).await?;
        Ok(())
    }
}
