#include "d2v/eval/html.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("what would be markup is escaped") {
  CHECK(html_escape("a<b> & \"c\" 'd'") == "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
}

TEST_CASE("files become base64 with its padding") {
  // RFC 4648, section 10.
  CHECK(data_uri("text/plain", "") == "data:text/plain;base64,");
  CHECK(data_uri("text/plain", "f") == "data:text/plain;base64,Zg==");
  CHECK(data_uri("text/plain", "fo") == "data:text/plain;base64,Zm8=");
  CHECK(data_uri("text/plain", "foobar") == "data:text/plain;base64,Zm9vYmFy");
  CHECK(data_uri("x/y", "\xff\xfe\xfd") == "data:x/y;base64,//79");
}

TEST_CASE("a figure carries its command") {
  const std::string figure = html_figure("Loss <1>", "<svg/>", "falls", "d2v report 'a b'");
  CHECK(figure.find("Loss &lt;1&gt;") != std::string::npos);
  CHECK(figure.find("<svg/>") != std::string::npos);
  CHECK(figure.find("<code>d2v report &#39;a b&#39;</code>") != std::string::npos);
}

TEST_CASE("numeric columns stand right-aligned") {
  const std::string table = html_table({"name", "n"}, {{"a", "1"}}, {1});
  CHECK(table.find("<th>name</th><th class=\"n\">n</th>") != std::string::npos);
  CHECK(table.find("<td>a</td><td class=\"n\">1</td>") != std::string::npos);
}

TEST_CASE("a page is complete HTML with its title escaped") {
  const std::string page = html_page("a & b", "<p>text</p>");
  CHECK(page.starts_with("<!doctype html>"));
  CHECK(page.find("<title>a &amp; b</title>") != std::string::npos);
  CHECK(page.find("<p>text</p>") != std::string::npos);
}
