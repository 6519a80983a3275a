import Foundation
@testable import novatune_streamd
import PostgreSQLTrackStore
import Testing

/// Documents that are generated from the declarations of the settings. Where one differs, the message has the command
/// that writes it.
@Suite struct GeneratedDocumentsTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    @Test func settingsArticleHasTheTableOfTheProgram() throws {
        let article = try text("Sources/novatune-streamd/Documentation.docc/Settings.md")
        let parts = article.components(separatedBy: "<!-- settings: begin -->\n")
        let table = try #require(parts.last).components(separatedBy: "<!-- settings: end -->")
        #expect(parts.count == 2 && table.count == 2)
        #expect(
            table[0].trimmingCharacters(in: .newlines) == SettingsText.markdown(AllSettings.groups),
            "write it again, by the commands of Developing, Add a setting")
    }

    @Test func exampleFileIsThatOfTheProgram() throws {
        #expect(
            try text("nginx/systemd/novatune.env.example") == SettingsText.example(AllSettings.groups) + "\n",
            "novatune-streamd settings --format env > nginx/systemd/novatune.env.example")
    }

    @Test(arguments: [
        CapacityDemand(rate: 1000, users: 100_000, tracks: 100_000),
        CapacityDemand(rate: 10_000, users: 1_000_000, tracks: 1_000_000),
        CapacityDemand(rate: 100_000, users: 10_000_000, tracks: 10_000_000),
        CapacityDemand(rate: 1_000_000, users: 100_000_000, tracks: 50_000_000),
    ])
    func capacityArticleHasThePlansOfTheProgram(_ demand: CapacityDemand) throws {
        let command = "--rate \(Int(demand.rate)) --users \(demand.users) --tracks \(demand.tracks)"
        let article = try text("Sources/novatune-streamd/Documentation.docc/Capacity.md")
        let plan = CapacityPlan(demand).lines(for: demand).joined(separator: "\n")
        #expect(article.contains("```\n\(plan)\n```") && article.contains(command), "novatune-streamd plan \(command)")
    }

    @Test func lastChangeOfThePlanIsTheOneThatTheProgramKnows() throws {
        let plan = SqitchPlan(try text("sql/sqitch.plan"))
        #expect(
            plan.changes.last == SchemaDifference.known && plan.changes.contains(SchemaDifference.wanted),
            "name the last change in Sources/PostgreSQLTrackStore/SchemaDifference.swift")
    }
}
