"""Log groups, alarms and dashboards, read back as they were asked for."""

from __future__ import annotations

import json

from tests.cloud.provisioning import Cloud


def test_log_group_alarms_and_dashboard(aws: Cloud) -> None:
    group = aws.create(
        "aws:cloudwatch/logGroup:LogGroup", name="/shop/log", retentionInDays=14, tags={"team": "x"}, skipDestroy=True
    )
    (read,) = aws.client("logs").describe_log_groups(logGroupNamePrefix="/shop/log")["logGroups"]
    assert read["retentionInDays"] == 14
    assert read["arn"].removesuffix(":*") == group.outputs["arn"]
    alarm = aws.create(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        name="errors",
        alarmDescription="d",
        namespace="Shop",
        metricName="Errors",
        dimensions={"Queue": "q"},
        statistic="Sum",
        period=60,
        evaluationPeriods=5,
        datapointsToAlarm=3,
        threshold=1,
        comparisonOperator="GreaterThanThreshold",
        treatMissingData="notBreaching",
        alarmActions=["arn:aws:sns:us-east-1:222222222222:warn"],
        okActions=["arn:aws:sns:us-east-1:222222222222:warn"],
        tags={"team": "x"},
    )
    metric = {"namespace": "Shop", "metricName": "Errors", "period": 60, "stat": "Sum", "dimensions": {"Queue": "q"}}
    aws.create(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        name="ratio",
        metricQueries=[
            {"id": "e", "metric": metric, "returnData": False},
            {"id": "r", "expression": "e / 2", "label": "half", "returnData": True},
        ],
        evaluationPeriods=1,
        threshold=0.5,
        comparisonOperator="GreaterThanThreshold",
    )
    composite = aws.create(
        "aws:cloudwatch/compositeAlarm:CompositeAlarm", alarmName="any", alarmRule='ALARM("errors") OR ALARM("ratio")'
    )
    body = json.dumps({"widgets": []})
    aws.create("aws:cloudwatch/dashboard:Dashboard", dashboardName="main", dashboardBody=body)
    cloudwatch = aws.client("cloudwatch")
    (read,) = cloudwatch.describe_alarms(AlarmNames=["errors"])["MetricAlarms"]
    assert read["AlarmArn"] == alarm.outputs["arn"]
    assert read["Dimensions"] == [{"Name": "Queue", "Value": "q"}]
    assert (read["EvaluationPeriods"], read["DatapointsToAlarm"], read["Threshold"]) == (5, 3, 1.0)
    assert (read["TreatMissingData"], read["Statistic"], read["Period"]) == ("notBreaching", "Sum", 60)
    (ratio,) = cloudwatch.describe_alarms(AlarmNames=["ratio"])["MetricAlarms"]
    by_id = {query["Id"]: query for query in ratio["Metrics"]}
    assert by_id["r"]["Expression"] == "e / 2"
    assert by_id["e"]["MetricStat"] == {
        "Metric": {"Namespace": "Shop", "MetricName": "Errors", "Dimensions": [{"Name": "Queue", "Value": "q"}]},
        "Period": 60,
        "Stat": "Sum",
    }
    assert by_id["e"]["ReturnData"] is False
    assert read["AlarmActions"] == read["OKActions"] == ["arn:aws:sns:us-east-1:222222222222:warn"]
    (read,) = cloudwatch.describe_alarms(AlarmNames=["any"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert (read["AlarmRule"], read["AlarmArn"]) == (
        'ALARM("errors") OR ALARM("ratio")',
        composite.outputs["arn"],
    )
    assert json.loads(cloudwatch.get_dashboard(DashboardName="main")["DashboardBody"]) == {"widgets": []}
