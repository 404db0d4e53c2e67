//! Tokens to tree, by precedence climbing.

use std::ops::Range;

use super::ast::{Node, NodeKind, Op};
use super::functions::Function;
use super::lexer::{Lexeme, Token, tokens, too_deep};
use super::{ExprError, MAX_DEPTH};
use crate::runbook::suggest::did_you_mean;
use crate::runbook::value::Value;

/// Reads the whole of `source`.
pub(super) fn parse(source: &str) -> Result<Node, ExprError> {
    let tokens = tokens(source)?;
    if tokens.len() == 1 {
        return Err(ExprError::new(0..source.len(), "an expression is missing here"));
    }
    let mut parser = Parser { tokens, at: 0, depth: 0, quantified: false };
    let root = parser.expression()?;
    match parser.peek() {
        Token::End if root.height() > MAX_CHAIN => Err(ExprError::new(
            root.span,
            format!("more than {MAX_CHAIN} operators build on each other"),
        )
        .with_help("compute it in a step and save the result")),
        Token::End => Ok(root),
        other => Err(parser.unexpected(&other.clone())),
    }
}

/// `a + b + c` nests without a bracket: this bounds what walks the tree.
const MAX_CHAIN: usize = 128;

struct Parser {
    tokens: Vec<Lexeme>,
    at: usize,
    depth: usize,
    /// Inside the test of `all` or `exists`, where another would make the work quadratic.
    quantified: bool,
}

/// Weakest first.
const LEVELS: [&[(&str, Op)]; 5] = [
    &[("||", Op::Or)],
    &[("&&", Op::And)],
    &[
        ("==", Op::Equal),
        ("!=", Op::Unequal),
        ("<", Op::Less),
        ("<=", Op::LessOrEqual),
        (">", Op::Greater),
        (">=", Op::GreaterOrEqual),
    ],
    &[("+", Op::Add), ("-", Op::Subtract)],
    &[("*", Op::Multiply), ("/", Op::Divide), ("%", Op::Remainder)],
];

const COMPARISONS: usize = 2;

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Range<usize> {
        self.tokens[self.at].1.clone()
    }

    /// Takes the current token; the last one, `End`, stays.
    fn take(&mut self) -> Lexeme {
        let lexeme = self.tokens[self.at].clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        lexeme
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is_it = matches!(self.peek(), Token::Sign(found) if *found == sign);
        if is_it {
            self.take();
        }
        is_it
    }

    /// The end of the closing `sign`.
    fn close(&mut self, sign: &str) -> Result<usize, ExprError> {
        let end = self.span().end;
        if self.take_sign(sign) {
            return Ok(end);
        }
        Err(ExprError::new(
            self.span(),
            format!("expected `{sign}`, found {}", name_of(self.peek())),
        ))
    }

    fn unexpected(&self, token: &Token) -> ExprError {
        let error = ExprError::new(self.span(), format!("unexpected {}", name_of(token)));
        match token {
            Token::Name(word) => match word.as_str() {
                "and" => error.with_help("write `&&`"),
                "or" => error.with_help("write `||`"),
                "not" => error.with_help("write `!`"),
                _ => error.with_help("is an operator missing before it, or quotes around it?"),
            },
            Token::Text(_) | Token::Int(_) | Token::Float(_) => {
                error.with_help("is an operator missing before it?")
            }
            Token::Sign(_) | Token::End => error,
        }
    }

    /// One level deeper, for the forms that recurse without a bracket too.
    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ExprError>,
    ) -> Result<T, ExprError> {
        if self.depth > MAX_DEPTH {
            return Err(too_deep(self.span()));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn expression(&mut self) -> Result<Node, ExprError> {
        self.nested(|parser| {
            let condition = parser.binary(0)?;
            if !parser.take_sign("?") {
                return Ok(condition);
            }
            let yes = parser.expression()?;
            parser.close(":")?;
            let no = parser.expression()?;
            let span = condition.span.start..no.span.end;
            let kind = NodeKind::Choose {
                condition: Box::new(condition),
                yes: Box::new(yes),
                no: Box::new(no),
            };
            Ok(Node { span, kind })
        })
    }

    fn binary(&mut self, level: usize) -> Result<Node, ExprError> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        let mut compared = false;
        while let Some(op) = self.operator(level, operators) {
            let sign = self.span();
            if compared {
                return Err(ExprError::new(sign, "comparisons cannot be chained")
                    .with_help("write `a < b && b < c`"));
            }
            compared = level == COMPARISONS;
            self.take();
            let right = self.binary(level + 1)?;
            let span = left.span.start..right.span.end;
            let kind = NodeKind::Binary { op, left: Box::new(left), right: Box::new(right) };
            left = Node { span, kind };
        }
        Ok(left)
    }

    fn operator(&self, level: usize, operators: &[(&str, Op)]) -> Option<Op> {
        match self.peek() {
            Token::Sign(sign) => operators.iter().find(|(s, _)| s == sign).map(|(_, op)| *op),
            Token::Name(word) if word == "in" && level == COMPARISONS => Some(Op::In),
            _ => None,
        }
    }

    fn unary(&mut self) -> Result<Node, ExprError> {
        let start = self.span().start;
        if self.take_sign("!") {
            let of = self.nested(Self::unary)?;
            return Ok(Node { span: start..of.span.end, kind: NodeKind::Not(Box::new(of)) });
        }
        if self.take_sign("-") {
            // With its sign, so that the smallest integer can be written.
            if let Token::Int(digits) = self.peek().clone() {
                let span = start..self.span().end;
                self.take();
                let literal = integer(&format!("-{digits}"), span)?;
                return self.postfix(literal);
            }
            let of = self.nested(Self::unary)?;
            return Ok(Node { span: start..of.span.end, kind: NodeKind::Negate(Box::new(of)) });
        }
        let primary = self.primary()?;
        self.postfix(primary)
    }

    fn primary(&mut self) -> Result<Node, ExprError> {
        let (token, span) = self.take();
        let literal = |value| Ok(Node { span: span.clone(), kind: NodeKind::Literal(value) });
        match token {
            Token::Int(digits) => integer(&digits, span),
            Token::Float(value) => literal(Value::Float(value)),
            Token::Text(text) => literal(Value::String(text)),
            Token::Name(word) => match word.as_str() {
                "true" => literal(Value::Bool(true)),
                "false" => literal(Value::Bool(false)),
                "null" => literal(Value::Null),
                _ if self.take_sign("(") => self.function(&word, span),
                "in" => Err(ExprError::new(span, "`in` needs a value on its left")),
                "not" => Err(ExprError::new(span, "unexpected `not`").with_help("write `!`")),
                _ => Ok(Node { span, kind: NodeKind::Name(word) }),
            },
            Token::Sign("(") => {
                let mut inner = self.expression()?;
                inner.span = span.start..self.close(")")?;
                Ok(inner)
            }
            Token::Sign("[") => {
                let (items, end) = self.list("]")?;
                Ok(Node { span: span.start..end, kind: NodeKind::List(items) })
            }
            Token::Sign(_) | Token::End => {
                Err(ExprError::new(span, format!("expected a value, found {}", name_of(&token))))
            }
        }
    }

    fn postfix(&mut self, mut node: Node) -> Result<Node, ExprError> {
        loop {
            let start = node.span.start;
            if self.take_sign("[") {
                let at = self.expression()?;
                let end = self.close("]")?;
                let kind = NodeKind::Index { of: Box::new(node), at: Box::new(at) };
                node = Node { span: start..end, kind };
            } else if self.take_sign(".") {
                let (token, span) = self.take();
                let Token::Name(name) = token else {
                    return Err(ExprError::new(span, "expected a name after `.`")
                        .with_help("write `x[\"…\"]` for a key that is not a word"));
                };
                node = if self.take_sign("(") {
                    self.method(node, &name, span)?
                } else {
                    let whole = start..span.end;
                    let kind = NodeKind::Field { of: Box::new(node), name, name_span: span };
                    Node { span: whole, kind }
                };
            } else {
                return Ok(node);
            }
        }
    }

    /// Expressions between commas up to `close`, and where that ends.
    fn list(&mut self, close: &str) -> Result<(Vec<Node>, usize), ExprError> {
        let mut items = Vec::new();
        loop {
            let end = self.span().end;
            if self.take_sign(close) {
                return Ok((items, end));
            }
            items.push(self.expression()?);
            if !self.take_sign(",") {
                return Ok((items, self.close(close)?));
            }
        }
    }

    fn function(&mut self, name: &str, span: Range<usize>) -> Result<Node, ExprError> {
        let (args, end) = self.list(")")?;
        let whole = span.start..end;
        if name == "has" {
            return has(args, whole);
        }
        let function = Function::named(name, false).ok_or_else(|| {
            let error = ExprError::new(span.clone(), format!("there is no function `{name}`"));
            if Function::named(name, true).is_some() {
                return error.with_help(format!("it is a method: write `x.{name}(…)`"));
            }
            let help = match name {
                "now" => Some("an expression cannot read the clock".to_owned()),
                _ => did_you_mean(name, Function::names(false)),
            };
            ExprError { help, ..error }
        })?;
        call(function, args, whole)
    }

    fn method(&mut self, of: Node, name: &str, span: Range<usize>) -> Result<Node, ExprError> {
        if name == "all" || name == "exists" {
            return self.quantifier(name == "all", of, span);
        }
        let (mut args, end) = self.list(")")?;
        let whole = of.span.start..end;
        let function = Function::named(name, true).ok_or_else(|| {
            let known = Function::names(true).chain(["all", "exists"]);
            let help = did_you_mean(name, known);
            ExprError { help, ..ExprError::new(span, format!("there is no method `{name}`")) }
        })?;
        args.insert(0, of);
        call(function, args, whole)
    }

    fn quantifier(&mut self, all: bool, of: Node, span: Range<usize>) -> Result<Node, ExprError> {
        if self.quantified {
            return Err(ExprError::new(span, "`all` and `exists` cannot be nested"));
        }
        let (token, name_span) = self.take();
        let Token::Name(name) = token else {
            return Err(ExprError::new(name_span, "expected a name for the item")
                .with_help("write `list.all(x, x > 0)`"));
        };
        self.close(",")?;
        self.quantified = true;
        let test = self.expression();
        self.quantified = false;
        let test = test?;
        let end = self.close(")")?;
        let whole = of.span.start..end;
        let kind = NodeKind::Quantifier { all, of: Box::new(of), name, test: Box::new(test) };
        Ok(Node { span: whole, kind })
    }
}

fn has(args: Vec<Node>, span: Range<usize>) -> Result<Node, ExprError> {
    let mut args = args.into_iter();
    match (args.next(), args.next()) {
        (Some(path), None) if path.path().is_some_and(|path| path.len() > 1) => {
            Ok(Node { span, kind: NodeKind::Has(Box::new(path)) })
        }
        _ => Err(ExprError::new(span, "`has` takes one path").with_help("write `has(inputs.x)`")),
    }
}

fn call(function: Function, args: Vec<Node>, span: Range<usize>) -> Result<Node, ExprError> {
    let wanted = function.arity();
    if args.len() != wanted {
        let message = format!("`{}` takes {}", function.name(), function.usage());
        return Err(ExprError::new(span, message));
    }
    Ok(Node { span, kind: NodeKind::Call { function, args } })
}

fn integer(digits: &str, span: Range<usize>) -> Result<Node, ExprError> {
    match digits.parse() {
        Ok(value) => Ok(Node { span, kind: NodeKind::Literal(Value::Int(value)) }),
        Err(_) => Err(ExprError::new(span, "this integer does not fit into 64 bits")),
    }
}

fn name_of(token: &Token) -> String {
    match token {
        Token::Name(word) => format!("`{word}`"),
        Token::Int(digits) => format!("`{digits}`"),
        Token::Float(value) => format!("`{value}`"),
        Token::Text(_) => "a string".into(),
        Token::Sign(sign) => format!("`{sign}`"),
        Token::End => "the end".into(),
    }
}
