/// nginx's configuration, which nginx accepts before it stays.
struct NginxStep: SetupStep {
    let context: SetupContext
    let title = "nginx"

    private var files: NginxFiles { NginxFiles(context: context) }

    func describe() throws(SetupFailure) -> String {
        let wanted = try wanted()
        let text = "renders \(wanted.files.count) files into \(context.paths.nginx), and runs nginx -t"
        return text + explanation(wanted.choice)
    }

    func isDone() throws(SetupFailure) -> Bool {
        let wanted = try wanted()
        guard wanted.choice != .removeDebians else { return false }
        return try files.installed(wanted.files.keys) == wanted.files
    }

    func apply() throws(SetupFailure) -> String {
        try files.test(
            "mend nginx's configuration, which was refused before setup has changed it, then run setup again")
        let wanted = try wanted()
        let former = try files.installed(wanted.files.keys)
        let kept = try [context.paths.nginxSettings, context.paths.nginxManifest].map { (path) throws(SetupFailure) in
            (path: path, text: try SetupFiles.read(path))
        }
        let link = SetupFiles.linkTarget(context.paths.defaultSite)
        do throws(SetupFailure) {
            if wanted.choice == .removeDebians { try SetupFiles.remove(context.paths.defaultSite) }
            try files.render(wanted.settings)
            try files.test(
                "the former configuration is back; correct the setting, or see 'Other sites' in the guide to deployment"
            )
        } catch {
            try restore(former, of: wanted.files.keys)
            for file in kept { try restore(file.text, file.path, mode: 0o640) }
            if wanted.choice == .removeDebians, let link { try SetupFiles.link(context.paths.defaultSite, to: link) }
            throw error
        }
        if wanted.choice == .removeDebians {
            context.record.removedDefaultSite = link ?? context.record.removedDefaultSite
        }
        if kept[0].text == nil, SetupFiles.exists(context.paths.nginxSettings) {
            context.record.madeNginxSettings = true
        }
        context.record.nginxFiles = Set(context.record.nginxFiles).union(wanted.files.keys).sorted()
        context.changedNginx = true
        return "rendered \(wanted.files.count) files; nginx accepts them" + explanation(wanted.choice)
    }

    func undo(withData: Bool) throws(SetupFailure) -> String? {
        let names = context.record.nginxFiles
        guard !names.isEmpty else { return nil }
        for name in names { try SetupFiles.remove("\(context.paths.nginx)/\(name)") }
        for path in [context.paths.nginxRecord, context.paths.nginxManifest] {
            try SetupFiles.remove(path)
        }
        SetupFiles.removeDirectory("\(context.paths.nginx)/novatune")
        if context.record.madeNginxSettings { try SetupFiles.remove(context.paths.nginxSettings) }
        var detail = "removed \(names.count) files from \(context.paths.nginx)"
        if let link = context.record.removedDefaultSite {
            try SetupFiles.link(context.paths.defaultSite, to: link)
            detail += ", and brought \(context.paths.defaultSite) back"
        }
        context.record.nginxFiles = []
        context.record.madeNginxSettings = false
        context.record.removedDefaultSite = nil
        context.changedNginx = true
        try files.test("mend nginx's configuration, which no longer has a part of setup")
        if try ReloadStep.reload(context.runner) { detail += "; reloaded nginx" }
        return detail
    }

    private typealias Wanted = (files: [String: String], settings: [String: String], choice: SiteChoice)

    private func wanted() throws(SetupFailure) -> Wanted {
        var settings = context.nginxSettings
        var rendered = try files.rendered(settings)
        let choice = try choice(rendered)
        if case .yield = choice {
            settings["NOVATUNE_NGINX_DEFAULT_SERVER"] = "off"
            rendered = try files.rendered(settings)
        }
        return (rendered, settings, choice)
    }

    private func choice(_ rendered: [String: String]) throws(SetupFailure) -> SiteChoice {
        let (settings, paths) = (context.nginxSettings, context.paths)
        let isSet = !(settings["NOVATUNE_NGINX_DEFAULT_SERVER"] ?? "").isEmpty
        guard !isSet else { return .asSet }
        let scheme = settings["NOVATUNE_NGINX_SCHEME"] == "https" ? "https" : "http"
        let addresses = NginxSite.addresses(rendered["conf.d/listen-\(scheme).inc"] ?? "")
        let dump = try context.runner.run(
            ExternalCommand(program: "nginx", arguments: ["-T", "-q"]),
            advice: "mend nginx's configuration, then run setup again")
        let own = Set(rendered.keys.map { "\(paths.nginx)/\($0)" })
        return try SiteChoice.decide(
            NginxSite.defaultServers(dump) { own.contains($0) }, addresses: addresses, isSet: isSet,
            names: settings["NOVATUNE_NGINX_SERVER_NAME"],
            wish: try context.answers.value(SetupSetting.defaultSite) ?? .keep, defaultSite: paths.defaultSite)
    }

    private func explanation(_ choice: SiteChoice) -> String {
        switch choice {
        case .asSet: ""
        case .removeDebians: "; removed \(context.paths.defaultSite), Debian's own site (SETUP_DEFAULT_SITE=remove)"
        case .yield(let file):
            "; \(file) stays nginx's default server, so this site answers its own names alone "
                + "(NOVATUNE_NGINX_DEFAULT_SERVER=off)"
        }
    }

    private func restore(_ former: [String: String], of names: some Sequence<String>) throws(SetupFailure) {
        for name in names { try restore(former[name], "\(context.paths.nginx)/\(name)", mode: 0o644) }
    }

    /// - Parameter text: nil where there was no such file.
    private func restore(_ text: String?, _ path: String, mode: UInt32) throws(SetupFailure) {
        guard let text else { return try SetupFiles.remove(path) }
        let group = mode == 0o644 ? nil : SetupFiles.group(named: context.paths.account)
        try SetupFiles.write(text, to: path, mode: mode, group: group)
    }
}
