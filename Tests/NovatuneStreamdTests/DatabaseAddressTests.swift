import Foundation
import StreamIssuing
import TestSupport
import Testing

@testable import novatune_streamd

/// A connection string in a file, which a secret manager replaces while the responder runs.
@Suite struct DatabaseAddressTests {
    private let directory: TemporaryDirectory
    private let file: String

    init() throws {
        directory = try TemporaryDirectory()
        file = directory.path("url")
    }

    private func write(_ text: String) throws { try text.write(toFile: file, atomically: true, encoding: .utf8) }

    private func address(_ text: SecretText, file: String?) -> DatabaseAddress {
        DatabaseAddress(text, file: file)
    }

    @Test func fileIsReadForEachConnection() throws {
        try write("postgresql://u:first@h/d\n")
        let address = address("postgresql://u:first@h/d", file: file)
        #expect(address.current == "postgresql://u:first@h/d")
        try write("postgresql://u:second@h/d\n")
        #expect(address.current == "postgresql://u:second@h/d")
    }

    @Test(arguments: ["", "nonsense", "postgresql://u:p@ss@h/d"])
    func fileWithoutAValidStringLeavesTheFormerOne(text: String) throws {
        try write("postgresql://u:first@h/d")
        let address = address("postgresql://u:start@h/d", file: file)
        #expect(address.current == "postgresql://u:first@h/d")
        try write(text)
        #expect(address.current == "postgresql://u:first@h/d")
    }

    @Test func missingFileLeavesTheFormerString() {
        #expect(address("postgresql://u:start@h/d", file: file).current == "postgresql://u:start@h/d")
    }

    @Test func reloadReplacesTheString() throws {
        try write("postgresql://u:file@h/d")
        let address = address("postgresql:///former", file: file)
        address.replace("postgresql:///next", file: nil)
        #expect(address.current == "postgresql:///next")
    }

    @Test func subscriberHasTheAddressOfItsOwnSetting() throws {
        let environment = Environments.least(with: [
            "NOVATUNE_DATABASE_URL": "postgresql:///queries", "NOVATUNE_DATABASE_SUBSCRIBER_URL": "postgresql:///own",
        ])
        let addresses = DatabaseAddresses(try Environments.read(environment).database)
        #expect(addresses.queries.current == "postgresql:///queries")
        #expect(addresses.subscriber.current == "postgresql:///own")
    }

    @Test func reloadMayTakeTheSubscribersOwnAddressAway() throws {
        try write("postgresql:///first")
        let fromFile = Environments.least(with: [
            "NOVATUNE_DATABASE_URL": nil, "NOVATUNE_DATABASE_URL_FILE": file,
            "NOVATUNE_DATABASE_SUBSCRIBER_URL": "postgresql:///own",
        ])
        let addresses = DatabaseAddresses(try Environments.read(fromFile).database)
        let later = Environments.least(with: ["NOVATUNE_DATABASE_URL": nil, "NOVATUNE_DATABASE_URL_FILE": file])
        addresses.replace(try Environments.read(later).database)
        try write("postgresql:///second")
        #expect(addresses.subscriber.current == "postgresql:///second")
    }
}
