/// nginx's configuration as it would be rendered now, and as it is.
struct NginxFiles {
    let context: SetupContext

    /// The files that a render writes, relative to its directory. The record of its settings is not nginx's.
    private static func names(in directory: String) -> [String] {
        ["conf.d", "novatune"].flatMap { folder in
            SetupFiles.names(in: "\(directory)/\(folder)").map { "\(folder)/\($0)" }
        }.filter { $0 != "novatune/settings.env" }
    }

    /// Renders into a directory that is removed again.
    /// - Returns: the text of each file, by its name relative to the directory of nginx.conf.
    func rendered(_ settings: [String: String]) throws(SetupFailure) -> [String: String] {
        let directory = try SetupFiles.makeTemporaryDirectory()
        defer { Self.removeTree(directory) }
        try context.runner.run(
            ExternalCommand(program: pureRenderer, arguments: [directory], environment: settings), advice: Self.advice)
        var files: [String: String] = [:]
        for name in Self.names(in: directory) { files[name] = try SetupFiles.read("\(directory)/\(name)") ?? "" }
        return files
    }

    /// Writes into the directory of nginx.conf, and keeps the settings.
    func render(_ settings: [String: String]) throws(SetupFailure) {
        let arguments = isPackaged ? ["render", context.paths.nginx] : [context.paths.nginx]
        try context.runner.run(
            ExternalCommand(program: context.renderer, arguments: arguments, environment: settings), advice: Self.advice
        )
    }

    /// Whether the renderer is the package's command, which keeps the settings in `nginx.env`.
    var isPackaged: Bool { context.renderer.hasSuffix("/novatune-nginx") }

    /// Renders only, where the package's command also keeps settings.
    private var pureRenderer: String { isPackaged ? "/usr/share/novatune/nginx/render" : context.renderer }

    /// The files that are there now.
    func installed(_ names: some Sequence<String>) throws(SetupFailure) -> [String: String] {
        var files: [String: String] = [:]
        for name in names { files[name] = try SetupFiles.read("\(context.paths.nginx)/\(name)") }
        return files
    }

    /// `nginx -t`; throws what nginx says.
    func test(_ advice: String) throws(SetupFailure) {
        try context.runner.run(
            ExternalCommand(program: "nginx", arguments: ["-t", "-q"]), advice: advice)
    }

    private static let advice = "correct the setting that it names in the answers, then run setup again"

    private static func removeTree(_ directory: String) {
        for folder in ["conf.d", "novatune", "tmp"] {
            for name in SetupFiles.names(in: "\(directory)/\(folder)") {
                try? SetupFiles.remove("\(directory)/\(folder)/\(name)")
            }
            SetupFiles.removeDirectory("\(directory)/\(folder)")
        }
        SetupFiles.removeDirectory(directory)
    }
}
