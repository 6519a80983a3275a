@testable import novatune_streamd
import TestSupport
import Testing

@Suite struct NginxSiteTests {
    @Test(arguments: [
        Row("listen 80;", ["80"]), Row("  listen *:80 default_server;\n listen [::]:80;", ["80", "[::]:80"]),
        Row("listen 0.0.0.0:443 ssl; # listen 1;", ["443"]), Row("listen 192.0.2.1;", ["192.0.2.1:80"]),
        Row("server { listen 8080; }", ["8080"]), Row("# listen 80;\nlistening 80;", []),
        Row("listen unix:/run/a.sock;", ["unix:/run/a.sock"]),
    ])
    func addressesAreRead(_ row: Row<[String]>) {
        #expect(NginxSite.addresses(row.name) == row.value)
    }

    private let dump = """
        # configuration file /etc/nginx/nginx.conf:
        http { include sites-enabled/*; }
        # configuration file /etc/nginx/sites-enabled/default:
        server {
            listen 80 default_server;
            listen [::]:80 default_server;
        }
        # configuration file /etc/nginx/sites-enabled/other:
        server { listen 80; }
        # configuration file /etc/nginx/conf.d/listen-http.inc:
        listen 80 default_server;
        """

    @Test func defaultServersOfOtherSitesAreFound() {
        let found = NginxSite.defaultServers(dump) { $0.hasPrefix("/etc/nginx/conf.d/") }
        let file = "/etc/nginx/sites-enabled/default"
        #expect(
            found == [
                NginxSite.DefaultServer(file: file, address: "80"),
                NginxSite.DefaultServer(file: file, address: "[::]:80"),
            ])
    }

    private let debians = "/etc/nginx/sites-enabled/default"

    private func decide(
        _ files: [String], addresses: [String] = ["80"], isSet: Bool = false, names: String? = "a.example",
        wish: SetupSetting.DefaultSite = .keep
    ) throws -> SiteChoice {
        try SiteChoice.decide(
            files.map { NginxSite.DefaultServer(file: $0, address: "80") }, addresses: addresses, isSet: isSet,
            names: names, wish: wish, defaultSite: debians)
    }

    @Test func siteWithoutARivalIsAsSet() throws {
        #expect(try decide([]) == .asSet && decide([debians], addresses: ["443"]) == .asSet)
        #expect(try decide([debians], isSet: true) == .asSet)
    }

    @Test func rivalStaysTheDefaultServerUnlessDebiansMayGo() throws {
        #expect(try decide([debians]) == .yield(to: debians))
        #expect(try decide([debians], wish: .remove) == .removeDebians)
        #expect(try decide(["/etc/nginx/conf.d/a.conf"]) == .yield(to: "/etc/nginx/conf.d/a.conf"))
    }

    @Test func siteOfAnotherOwnerIsNeverRemoved() {
        let failure = #expect(throws: SetupFailure.self) { try decide([debians, "/other"], wish: .remove) }
        #expect(failure?.reason.contains("/other") == true)
    }

    @Test(arguments: [nil, "", "_"] as [String?])
    func siteWithoutANameCannotYield(_ names: String?) {
        let failure = #expect(throws: SetupFailure.self) { try decide([debians], names: names) }
        #expect(failure?.advice.contains("SETUP_DEFAULT_SITE=remove") == true)
    }
}
