import OperatorSettings

/// What nginx's configuration says about addresses, read from `nginx -T` or from a rendered file.
enum NginxSite {
    /// A file of another site that is the default server of an address.
    struct DefaultServer: Equatable {
        let file: String
        let address: String
    }

    /// Addresses of `listen` directives, as nginx compares them: `80` is every IPv4 address.
    static func addresses(_ text: String, defaultOnly: Bool = false) -> [String] {
        text.split(whereSeparator: \.isNewline).flatMap { line in
            line.prefix { $0 != "#" }.split(separator: ";").compactMap { directive -> String? in
                // A directive may follow a brace in its line.
                let words = directive.split { $0.isWhitespace || $0 == "{" || $0 == "}" }
                guard let index = words.firstIndex(of: "listen"), index + 1 < words.count else { return nil }
                let isDefault = words.contains("default_server") || words.contains("default")
                return defaultOnly && !isDefault ? nil : normalised(words[index + 1])
            }
        }
    }

    /// The default servers of a whole configuration, as `nginx -T` prints it.
    /// - Parameter own: the files that setup has rendered.
    static func defaultServers(_ dump: String, besides own: (String) -> Bool) -> [DefaultServer] {
        let marker = "# configuration file "
        var servers: [DefaultServer] = []
        var file = "", lines: [Substring] = []
        func finish() {
            guard !file.isEmpty, !own(file) else { return }
            servers += addresses(lines.joined(separator: "\n"), defaultOnly: true).map {
                DefaultServer(file: file, address: $0)
            }
        }
        for line in dump.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(marker) {
                finish()
                file = String(line.dropFirst(marker.count).prefix { $0 != ":" })
                lines = []
            } else {
                lines.append(line)
            }
        }
        finish()
        return servers
    }

    private static func normalised(_ address: Substring) -> String {
        for every in ["0.0.0.0:", "*:"] where address.hasPrefix(every) { return String(address.dropFirst(every.count)) }
        if !address.contains(":"), address.contains(".") { return "\(address):80" }
        return String(address)
    }
}
