/** The shapes of `docs/openapi.json` by their names. */

import type { components } from './schema';

type Schemas = components['schemas'];

export type Action = Partial<Schemas['Action']>;
export type CauseCounts = Schemas['CauseCounts'];
export type Causes = Schemas['Causes'];
export type Cell = Schemas['Cell'];
export type Cells = Schemas['Cells'];
export type Chain = Schemas['Chain'];
export type DepotGuest = Schemas['DepotGuest'];
export type DepotNow = Schemas['DepotNow'];
export type DepotPlace = Schemas['DepotPlace'];
export type DepotPlan = Schemas['DepotPlan'];
export type Evidence = Schemas['Evidence'];
export type FindingDetail = Schemas['FindingDetail'];
export type FindingRow = Schemas['FindingRow'];
export type Gap = Schemas['Gap'];
export type Kpi = Schemas['Kpi'];
export type Kpis = Schemas['Kpis'];
export type Layer = Schemas['Layer'];
export type LifeEvent = Schemas['Event'];
export type LiveCells = Schemas['LiveCells'];
export type Meta = Schemas['Meta'];
export type Note = Schemas['Note'];
export type Percentiles = Schemas['Percentiles'];
export type Planted = Schemas['Planted'];
export type Plot = Schemas['Plot'];
export type PolicyNumbers = Required<Schemas['PolicyNumbers']>;
export type PolicyPreview = Schemas['PolicyPreview'];
export type PolicyState = Schemas['PolicyState'];
export type Probe = Schemas['Probe'];
export type Quantity = Schemas['Quantity'];
export type Session = Schemas['SessionDetail'];
export type Series = Schemas['Series'];
export type Siblings = Schemas['Siblings'];
export type Station = Schemas['StationDetail'];
export type StationLine = Schemas['StationLine'];
export type Truth = Schemas['Truth'];
export type VehicleDetail = Schemas['VehicleDetail'];
export type VehicleRow = Schemas['VehicleRow'];
