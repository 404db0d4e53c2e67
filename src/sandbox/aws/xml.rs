//! The little XML that the Query protocol answers with.

/// A document under construction.
#[derive(Default)]
pub(super) struct Xml(String);

impl Xml {
    /// `<name>text</name>`, escaped.
    pub(super) fn leaf(&mut self, name: &str, text: impl AsRef<str>) -> &mut Self {
        self.open(name);
        for c in text.as_ref().chars() {
            match c {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                c => self.0.push(c),
            }
        }
        self.close(name)
    }

    /// A leaf where there is something to tell.
    pub(super) fn maybe(&mut self, name: &str, text: Option<impl AsRef<str>>) -> &mut Self {
        match text {
            Some(text) => self.leaf(name, text),
            None => self,
        }
    }

    /// `<name>…</name>` around what `inside` writes.
    pub(super) fn node(&mut self, name: &str, inside: impl FnOnce(&mut Self)) -> &mut Self {
        self.open(name);
        inside(self);
        self.close(name)
    }

    /// The whole answer to `action`, `inside` being its result.
    pub(super) fn reply(action: &str, namespace: &str, inside: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(format!("<{action}Response xmlns=\"{namespace}\">"));
        xml.node(&format!("{action}Result"), inside);
        xml.node("ResponseMetadata", |xml| {
            xml.leaf("RequestId", "practice");
        });
        xml.close(&format!("{action}Response"));
        xml.0
    }

    /// An error document.
    pub(super) fn error(namespace: &str, code: &str, message: &str) -> String {
        let mut xml = Self(format!("<ErrorResponse xmlns=\"{namespace}\">"));
        xml.node("Error", |xml| {
            xml.leaf("Type", "Sender").leaf("Code", code).leaf("Message", message);
        });
        xml.leaf("RequestId", "practice");
        xml.close("ErrorResponse");
        xml.0
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) -> &mut Self {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Xml;

    #[test]
    fn text_cannot_become_markup() {
        let xml = Xml::error("ns", "Code", "<b> & </Message>");
        assert!(xml.contains("<Message>&lt;b&gt; &amp; &lt;/Message&gt;</Message>"), "{xml}");
    }
}
