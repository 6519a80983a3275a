/// Whether this site is nginx's default server, where another site of the same address is it already. Only one can be.
enum SiteChoice: Equatable {
    /// No other site claims it, or the operator has decided.
    case asSet
    /// Debian's site goes, as the operator wants.
    case removeDebians
    /// The other site stays it, and this one answers its own names.
    case yield(to: String)

    /// - Parameters:
    ///   - isSet: whether NOVATUNE_NGINX_DEFAULT_SERVER has a value.
    ///   - names: NOVATUNE_NGINX_SERVER_NAME.
    ///   - defaultSite: the path of Debian's site.
    static func decide(
        _ others: [NginxSite.DefaultServer], addresses: [String], isSet: Bool, names: String?,
        wish: SetupSetting.DefaultSite, defaultSite: String
    ) throws(SetupFailure) -> SiteChoice {
        let rivals = others.filter { addresses.contains($0.address) }
        guard let rival = rivals.first, !isSet else { return .asSet }
        if wish == .remove {
            guard let foreign = rivals.first(where: { $0.file != defaultSite }) else { return .removeDebians }
            throw SetupFailure(
                "\(foreign.file) is nginx's default server of \(foreign.address), and is not Debian's own site: setup removes no other",
                advice: "leave SETUP_DEFAULT_SITE at keep, or take default_server out of that file")
        }
        guard let names, !names.isEmpty, names != "_" else {
            throw SetupFailure(
                "\(rival.file) is nginx's default server of \(rival.address), so this site answers only names of its own, and has none",
                advice: "set NOVATUNE_NGINX_SERVER_NAME, or SETUP_DEFAULT_SITE=remove where it is Debian's own site")
        }
        return .yield(to: rival.file)
    }
}
