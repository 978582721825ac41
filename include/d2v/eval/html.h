// The little HTML that a report needs: one file that opens from disk, without network or scripts.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace d2v {

// & < > " ' as entities.
std::string html_escape(std::string_view text);

// "data:image/png;base64,…" of a file's contents, so that a page carries its pictures.
std::string data_uri(std::string_view mime, std::string_view bytes);

// A picture or plot with its heading, what it shows, and the command that made it. `content` is HTML.
std::string html_figure(std::string_view heading, std::string_view content, std::string_view caption,
                        std::string_view command);

// A table; cells are HTML already. Columns whose cells are numbers stand right-aligned: named in `numeric`.
std::string html_table(const std::vector<std::string>& header,
                       const std::vector<std::vector<std::string>>& rows,
                       const std::vector<size_t>& numeric = {});

// A whole page. Light and dark follow the reader's system; narrow screens get one column.
std::string html_page(std::string_view title, std::string_view body);

}  // namespace d2v
